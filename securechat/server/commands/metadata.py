"""METADATA, with its subcommands (IRCv3 draft/metadata-3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from securechat.chat.machine import Chat
from securechat.chat.refusals import Refusal
from securechat.chat.requests import ClearMetadata, SetMetadata
from securechat.chat.views_metadata import Described, described
from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.server import answers_metadata, metadata_sync
from securechat.server.commands.command import Command, When
from securechat.server.metadata_sync import ALL, Sync
from securechat.server.replies import refusal
from securechat.server.subscriptions import Subscribed

if TYPE_CHECKING:
    from securechat.server.session import Session

SET_COST: Final = 1
"""A change is written to disk and told to many: it counts as so many lines more..."""
CLEAR_COST: Final = 10
"""...and one of all keys as so many."""
SYNC_COST: Final = 10
"""So does looking through all members of all one's channels."""


def metadata(session: Session, message: Message) -> None:
    """``METADATA <target> <subcommand> [<parameter>...]``."""
    target, word, *rest = [*message.params, "*", "*"] if len(message.params) < 2 else message.params
    subcommand = _SUBCOMMANDS.get(word.upper())
    if subcommand is None or not subcommand.least <= len(rest) <= subcommand.most:
        session.answer_in_turn(message, answers_metadata.invalid_params(session, word))
        return
    subcommand.handler(session, message, target, rest)


def _find(session: Session, chat: Chat, target: str) -> Described | None:
    """Whose metadata is meant. Before registration one sees nobody but oneself, and has no name."""
    if session.registered:
        return described(chat, session.number, target)
    return Described("*", session.registration.metadata.now(chat)) if target == "*" else None


def _show(session: Session, message: Message, target: str, render: Callable[[Described], Iterable[bytes]]) -> None:
    """Answer with what is said of a target."""

    def answer(found: Described | None) -> Iterable[bytes]:
        return render(found) if found is not None else [answers_metadata.invalid_target(session, target)]

    session.submit(message, (), lambda chat: _find(session, chat, target), answer)


def _get(session: Session, message: Message, target: str, keys: Sequence[str]) -> None:
    _show(session, message, target, lambda found: answers_metadata.get(session, found, keys))


def _list(session: Session, message: Message, target: str, _: Sequence[str]) -> None:
    _show(session, message, target, lambda found: answers_metadata.listing(session, found))


def _set(session: Session, message: Message, target: str, rest: Sequence[str]) -> None:
    """No value, or an empty one, removes the key."""
    key = rest[0]
    text = rest[1] if len(rest) > 1 and rest[1] else None
    session.charge(SET_COST)
    if session.registered:
        session.submit(message, (SetMetadata(session.number, target, key, text),))
        return

    def answer(refused: Refusal | None) -> Iterable[bytes]:
        if refused is not None:
            return [session.answer(refusal(refused, "METADATA"))]
        return [answers_metadata.value(session, "*", key, text)]

    if _is_oneself(session, message, target):
        session.submit(message, (), lambda chat: session.registration.metadata.set(chat, key, text), answer)


def _clear(session: Session, message: Message, target: str, _: Sequence[str]) -> None:
    session.charge(CLEAR_COST)
    if session.registered:
        session.submit(message, (ClearMetadata(session.number, target),))
        return
    clear = cache(session.registration.metadata.clear)  # a question may be asked again: see `session.Session.submit`
    if _is_oneself(session, message, target):
        session.submit(message, (), clear, lambda keys: answers_metadata.cleared(session, "*", keys))


def _sub(session: Session, message: Message, target: str, keys: Sequence[str]) -> None:
    """Who is on the chat gets the values of what is new to them at once."""
    if not _is_oneself(session, message, target):
        return
    most = session.hub.config.limits.metadata_subscriptions

    @cache  # a question may be asked again, where a batch of the journal could not be stored
    def subscribe() -> Subscribed:
        return session.subscriptions.add(keys, most)

    def ask(chat: Chat) -> tuple[Subscribed, Sync | None]:
        done = subscribe()
        told = session.registered and done.new
        return done, metadata_sync.of_all(session, chat, done.new) if told else None

    session.charge(SYNC_COST)
    session.submit(message, (), ask, lambda found: answers_metadata.subscribed(session, found[0], most, found[1]))


def _unsub(session: Session, message: Message, target: str, keys: Sequence[str]) -> None:
    if _is_oneself(session, message, target):
        session.submit(
            message,
            (),
            lambda _: session.subscriptions.remove(keys),
            lambda done: answers_metadata.unsubscribed(session, done),
        )


def _subs(session: Session, message: Message, target: str, _: Sequence[str]) -> None:
    if _is_oneself(session, message, target):
        session.submit(
            message,
            (),
            lambda _: session.subscriptions.now(),
            lambda keys: answers_metadata.subscriptions(session, keys),
        )


def _sync(session: Session, message: Message, target: str, _: Sequence[str]) -> None:
    def ask(chat: Chat) -> Sync | None:
        if not session.registered:
            own = _find(session, chat, target)
            return Sync(own.name, session.subscriptions.now(), [own]) if own else None
        if target == ALL:
            return metadata_sync.of_all(session, chat, asked=True)
        if target.startswith("#"):
            return metadata_sync.of_channel(session, chat, target, asked=True)
        return metadata_sync.of_user(session, chat, target, asked=True)

    def answer(found: Sync | None) -> Iterable[bytes]:
        if found is None:
            return [answers_metadata.invalid_target(session, target)]
        return answers_metadata.sync(session, found)

    session.charge(SYNC_COST)
    session.submit(message, (), ask, answer)


def _is_oneself(session: Session, message: Message, target: str) -> bool:
    """Whether the target is who asks; if not, that has been answered. Who has no nick yet is ``*``."""
    if target == "*" or (session.registered and casefold(target) == casefold(session.nick)):
        return True
    session.answer_in_turn(message, answers_metadata.invalid_target(session, target))
    return False


@dataclass(frozen=True, slots=True)
class _Subcommand:
    """``least`` and ``most``: how many parameters it has behind its name."""

    handler: Callable[[Session, Message, str, Sequence[str]], None]
    least: int
    most: int


_MANY = 512
"""More than a line has room for."""

_SUBCOMMANDS = {
    "GET": _Subcommand(_get, 1, _MANY),
    "LIST": _Subcommand(_list, 0, 0),
    "SET": _Subcommand(_set, 1, 2),
    "CLEAR": _Subcommand(_clear, 0, 0),
    "SUB": _Subcommand(_sub, 1, _MANY),
    "UNSUB": _Subcommand(_unsub, 1, _MANY),
    "SUBS": _Subcommand(_subs, 0, 0),
    "SYNC": _Subcommand(_sync, 0, 0),
}

COMMANDS = (
    Command("METADATA", metadata, "<target or *> <subcommand> [<key>...]",
            "Shows and changes what users and channels say of themselves: GET, LIST, SET, CLEAR; says of which keys "
            "you want to hear: SUB, UNSUB, SUBS, SYNC (IRCv3).", 0, When.ALWAYS, large=True,
            capability="draft/metadata-3"),
)  # fmt: skip
