"""MONITOR: whose coming and going one wants to hear of (IRCv3 Monitor)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.views_people import sources
from securechat.irc.message import Message
from securechat.irc.names import casefold, valid_nick
from securechat.irc.numerics import Numeric
from securechat.server import answers_metadata, answers_people, metadata_sync
from securechat.server.commands.command import Command
from securechat.server.metadata_sync import Sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from securechat.server.session import Session

Statuses = list[tuple[str, str | None]]
"""(nick, source of who wears it)."""

TARGETS_A_LINE = 16
"""So many targets count as one line more."""


def monitor(session: Session, message: Message) -> None:
    """Lists are changed by questions, which have the journal's turn: see `securechat.server.monitors`."""
    modifier = message.params[0]
    action = _ACTIONS.get(modifier.upper())
    if modifier in ("+", "-") and (len(message.params) < 2 or not message.params[1]):
        session.answer_in_turn(message, session.numeric(Numeric.ERR_NEEDMOREPARAMS, "MONITOR"))
    elif action is None:
        why = "There is no such modifier of MONITOR"
        session.answer_in_turn(message, session.numeric(Numeric.ERR_UNKNOWNERROR, "MONITOR", modifier, why))
    else:
        action(session, message)


def _targets(session: Session, message: Message) -> list[str]:
    """The nicks that a line names, each once; what can't be a nick is left out."""
    named: dict[str, str] = {}
    for word in message.params[1].split(","):
        if valid_nick(word):
            named.setdefault(casefold(word), word)
    session.charge(len(named) // TARGETS_A_LINE)
    return list(named.values())


def _add(session: Session, message: Message) -> None:
    """Who is watched already is answered again, and counted once."""
    targets = _targets(session, message)
    number, monitors, most = session.number, session.hub.monitors, session.hub.config.limits.monitor

    def ask(chat: Chat) -> tuple[Statuses, list[Sync], list[str]]:
        taken: list[str] = []
        refused: list[str] = []
        for nick in targets:
            (taken if monitors.add(number, nick, most) else refused).append(nick)
        return sources(chat, taken), metadata_sync.of_monitored(session, chat, taken), refused

    def render(found: tuple[Statuses, list[Sync], list[str]]) -> Iterator[bytes]:
        statuses, said, refused = found
        yield from _shown(session, statuses, said)
        yield from answers_people.packed(session, Numeric.ERR_MONLISTFULL, refused, str(most))

    session.submit(message, (), ask, render)


def _remove(session: Session, message: Message) -> None:
    targets = _targets(session, message)

    def ask(_: Chat) -> None:
        for nick in targets:
            session.hub.monitors.remove(session.number, nick)

    session.submit(message, (), ask)


def _clear(session: Session, message: Message) -> None:
    session.submit(message, (), lambda _: session.hub.monitors.clear(session.number))


def _list(session: Session, message: Message) -> None:
    def render(nicks: list[str]) -> Iterator[bytes]:
        yield from answers_people.packed(session, Numeric.RPL_MONLIST, nicks)
        yield session.numeric(Numeric.RPL_ENDOFMONLIST)

    session.submit(message, (), lambda _: list(session.hub.monitors.watched(session.number)), render)


def _status(session: Session, message: Message) -> None:
    def ask(chat: Chat) -> tuple[Statuses, list[Sync]]:
        watched = session.hub.monitors.watched(session.number)
        return sources(chat, watched), metadata_sync.of_monitored(session, chat, watched)

    session.submit(message, (), ask, lambda found: _shown(session, *found))


def _shown(session: Session, statuses: Statuses, said: list[Sync]) -> Iterator[bytes]:
    """Who is there and who is not, and what is ``said`` of the former (IRCv3 metadata, "Automatic synchronization")."""
    yield from answers_people.monitored(session, statuses)
    for found in said:
        yield from answers_metadata.sync(session, found)


_ACTIONS: dict[str, Callable[[Session, Message], None]] = {
    "+": _add,
    "-": _remove,
    "C": _clear,
    "L": _list,
    "S": _status,
}

COMMANDS = (
    Command("MONITOR", monitor, "<+ or -> <nick>{,<nick>}, or C, L or S",
            "Tells you when people come and go: + and - change whom you watch, C clears, L lists, S says who is here.",
            1, pipelined=True),
)  # fmt: skip
