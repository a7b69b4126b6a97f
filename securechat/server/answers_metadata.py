"""Answers and notices of metadata (IRCv3 draft/metadata-3, "Replies"). What forms a batch is a `Batch`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from securechat.chat.events import Event, MetadataChanged
from securechat.chat.metadata import valid_key
from securechat.chat.requests import ClearMetadata, Request, SetMetadata
from securechat.chat.views_metadata import Described
from securechat.irc.numerics import Numeric, numeric
from securechat.irc.split import pack_words
from securechat.irc.standard_replies import Code, fail, warn
from securechat.server.metadata_sync import AtArrival, Sync
from securechat.server.replies import Batch, Reply
from securechat.server.subscriptions import Subscribed

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = [
    "Notice",
    "changed",
    "cleared",
    "get",
    "invalid_params",
    "invalid_target",
    "listing",
    "notices",
    "own",
    "subscribed",
    "subscriptions",
    "sync",
    "told",
    "unsubscribed",
    "value",
    "whois",
]

RETRY_AFTER: Final = 4
"""Seconds after which one may ask for what was too much to be told unasked."""

MAX_KEYS_IN_LINE: Final = 13
"""Of 770 to 772: with the nick they are 14 parameters, which the oldest clients can read."""

WHOIS_KEYS: Final = ("avatar", "display-name", "homepage", "location", "pronouns", "status", "url")
"""What WHOIS shows (760)."""

Notice = tuple[str, Numeric, str]
"""A key, and what tells of its change: the numeric, and what stands behind the nick of who is told."""


def value(session: Session, name: str, key: str, text: str | None) -> bytes:
    """761, or 766 where there is none."""
    if text is None:
        return session.numeric(Numeric.RPL_KEYNOTSET, name, key)
    return session.numeric(Numeric.RPL_KEYVALUE, name, key, "*", text)


def get(session: Session, found: Described, keys: Iterable[str]) -> Batch:
    """What METADATA GET asks for, in the order of the ``keys``."""

    def line(key: str) -> bytes:
        return value(session, found.name, key, found.values.get(key)) if valid_key(key) else _warn(session, key)

    return _batch(session, found.name, map(line, keys))


def listing(session: Session, found: Described) -> Batch:
    """All that there is: the answer to METADATA LIST."""
    return _batch(session, found.name, (value(session, found.name, *pair) for pair in found.values.items()))


def own(session: Session, arrived: AtArrival) -> Batch:
    """What one is told of oneself before the end of the MOTD; before-connect has made it complete."""
    return listing(session, arrived.own)


def cleared(session: Session, name: str, keys: Iterable[str]) -> Batch:
    """The answer to METADATA CLEAR."""
    return _batch(session, name, (value(session, name, key, None) for key in keys))


def changed(session: Session, request: Request, events: Sequence[Event]) -> Reply:
    """What one is told whose SET or CLEAR was accepted, whether there was anything to change or not."""
    (event,) = events
    assert isinstance(event, MetadataChanged)
    assert isinstance(request, SetMetadata | ClearMetadata)
    if isinstance(request, ClearMetadata):
        return cleared(session, event.target, [key for key, _ in event.changes])
    name = "*" if request.target == "*" else event.target
    return value(session, name, request.key, request.value)


def sync(session: Session, found: Sync) -> Iterator[bytes]:
    """The batch that METADATA SYNC asks for; or that one should ask for it ("Postponed synchronization")."""
    if found.later:
        return iter((session.numeric(Numeric.RPL_METADATASYNCLATER, found.target, str(RETRY_AFTER)),))
    return _batch(session, found.target, _values(session, found))


def _values(session: Session, found: Sync) -> Iterator[bytes]:
    for owner in found.owners:
        for key in found.keys:
            text = owner.values.get(key)
            if text is not None:
                yield value(session, owner.name, key, text)


def subscribed(session: Session, done: Subscribed, most: int, found: Sync | None) -> Iterator[bytes]:
    """The answer to METADATA SUB. ``found``: the values of what is new, if there is anything new."""
    yield from _keys(session, Numeric.RPL_METADATASUBOK, done.done)
    yield from (_warn(session, key) for key in done.invalid)
    if done.refused is not None:
        why = "You can't subscribe to more keys"
        yield session.answer(fail(Code.LIMIT_REACHED, "METADATA", done.refused, str(most), description=why))
    if found is not None:
        yield from sync(session, found)


def unsubscribed(session: Session, done: Subscribed) -> Iterator[bytes]:
    """The answer to METADATA UNSUB."""
    yield from _keys(session, Numeric.RPL_METADATAUNSUBOK, done.done)
    yield from (_warn(session, key) for key in done.invalid)


def subscriptions(session: Session, keys: Iterable[str]) -> Batch:
    """The answer to METADATA SUBS."""
    return Batch(session, "metadata-subs", _keys(session, Numeric.RPL_METADATASUBS, keys))


def whois(session: Session, found: Described) -> Iterator[bytes]:
    """760 for what people like to know of each other; for sessions that know of metadata."""
    for key in WHOIS_KEYS:
        if key in found.values:
            yield session.numeric(Numeric.RPL_WHOISKEYVALUE, found.name, key, "*", found.values[key])


def told(session: Session, notices: Iterable[Notice]) -> Iterator[bytes]:
    """Those of the notices that the session wants to hear."""
    keys = session.subscriptions.keys
    for key, code, rest in notices:
        if key in keys:
            yield session.line(f"{code:03} {session.nick} {rest}")


def notices(event: MetadataChanged) -> list[Notice]:
    """What subscribers are told of a change, once for all of them: only the nick of the one who is told differs."""
    made: list[Notice] = []
    for key, text in event.changes:
        if text is None:
            code = Numeric.RPL_KEYNOTSET
            line = numeric(code, "*", event.target, key)
        else:
            code = Numeric.RPL_KEYVALUE
            line = numeric(code, "*", event.target, key, "*", text)
        made.append((key, code, line.partition(" * ")[2]))
    return made


def invalid_target(session: Session, target: str) -> bytes:
    """FAIL: there is nobody, or nothing that one may know of."""
    return session.answer(fail(Code.INVALID_TARGET, "METADATA", target))


def invalid_params(session: Session, subcommand: str) -> bytes:
    """FAIL: there is no such subcommand, or it wants other parameters."""
    return session.answer(fail(Code.INVALID_PARAMS, "METADATA", subcommand))


def _warn(session: Session, key: str) -> bytes:
    return session.answer(warn(Code.INVALID_KEY, "METADATA", key))


def _batch(session: Session, target: str, lines: Iterable[bytes]) -> Batch:
    return Batch(session, f"metadata {target}", lines)


def _keys(session: Session, code: Numeric, keys: Iterable[str]) -> Iterator[bytes]:
    room = 510 - len(session.numeric(code, "*"))
    for some in pack_words(keys, room, most=MAX_KEYS_IN_LINE):
        yield session.numeric(code, *some)
