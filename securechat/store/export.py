r"""What was said and what happened, read out of the store from the oldest to the newest, to be shown elsewhere.

It is read in pages, each in a transaction of its own: an export that goes slowly, into a pipe that somebody reads, does
not keep the server's WAL from being emptied. What is said while it runs is not in it. Keys of channels are masked, and
of what was taken back there is only that it was.

:func:`as_json` makes an object of a row, with these keys, all of which are always there:

============  =========================================================================================
key           value
============  =========================================================================================
``time``      when, in UTC: ``"2026-11-22T14:03:23.123Z"``
``msgid``     its message id, which sorts as the rows do
``kind``      ``"PRIVMSG"``, ``"NOTICE"``, ``"TAGMSG"``, ``"JOIN"``, ``"PART"``, ``"QUIT"``, ``"NICK"``, ``"TOPIC"``,
              ``"KICK"``, ``"MODE"``, ``"RENAME"`` or ``"REDACT"``
``source``    who did it: ``"nick!user@host"``
``account``   the name of their account; ``null``: none, or it was removed
``bot``       ``true``: who did it said that they are a program
``channel``   the name that the channel has now; ``null`` for what is not in one, and for one that is no more
``target``    as it was written then: the channel (``"@#tea"``: those in it from a prefix upwards), whom a private
              message was for, the new nick (NICK), the channels in which it was seen, with commas (QUIT, and JOIN of
              who came back)
``text``      what was said, ``"\n"`` between the lines of a message of several; the reason, the topic, the modes
              (``"+o-v alice bob"``), the real name (JOIN); ``""``: none, or it was taken back
``about``     whom a KICK put out, to what a RENAME renamed, the ``msgid`` of what a REDACT took back; else ``null``
``tags``      the client-only tags, with their ``+``
``redacted``  the ``msgid`` of the row that took it back; else ``null``
============  =========================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from securechat.chat.modes import ALL_KINDS
from securechat.chat.stamps import iso_time, msgid
from securechat.irc.modes import parse_modes
from securechat.irc.multiline import logical
from securechat.irc.names import casefold
from securechat.irc.tags import parse_tags
from securechat.store.rows import Kind
from securechat.store.snapshot import DamagedError, StoreError, reading, require_this_version

__all__ = ["END", "NoSuchChannelError", "Row", "Selection", "as_json", "find_channel", "masked", "read"]

END: Final = (1 << 63) - 1
"""A stamp after all others."""

_PAGE: Final = 500

_COLUMNS: Final = (
    "stamp, kind, source, accounts.name, bot, channels.name, target, text, tags, redacted, log.channel IS NULL"
)
_NAMES: Final = (
    "LEFT JOIN accounts ON accounts.id = log.account LEFT JOIN channels ON channels.id = log.channel ORDER BY stamp"
)
_PRIVATE: Final = "(log.channel IS NULL AND kind IN (0, 1, 2, 11))"

_OF_CHANNEL: Final = f"""
SELECT {_COLUMNS} FROM (
  SELECT stamp AS at FROM log INDEXED BY log_speech
    WHERE channel = :channel AND kind < 3 AND stamp >= :first AND stamp <= :last
  UNION ALL
  SELECT stamp FROM log INDEXED BY log_events
    WHERE channel = :channel AND kind > 2 AND kind < 32 AND stamp >= :first AND stamp <= :last
  UNION ALL
  SELECT stamp FROM log_channels WHERE channel = :channel AND stamp >= :first AND stamp <= :last
  ORDER BY 1 LIMIT :most
) JOIN log ON stamp = at {_NAMES}
"""  # noqa: S608 - ours
_OF_ALL: Final = f"""
SELECT {_COLUMNS} FROM (
  SELECT stamp AS at FROM log WHERE stamp >= :first AND stamp <= :last AND kind < 32
    AND CASE WHEN {_PRIVATE} THEN :private ELSE :channels END
  ORDER BY stamp LIMIT :most
) JOIN log ON stamp = at {_NAMES}
"""  # noqa: S608 - ours


class NoSuchChannelError(StoreError):
    """There is none of that name; ``str()`` has those that are similar."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted: of one channel (by its id), or of all channels, or private messages, or both of these."""

    channel: int | None = None
    channels: bool = False
    private: bool = False
    first: int = 0
    """The first stamp..."""
    last: int = END
    """...and the last."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the log, as the table above has it, in our types."""

    stamp: int
    kind: Kind
    source: str
    account: str | None
    bot: bool
    channel: str | None
    target: str
    text: str
    about: str | None
    tags: str
    redacted: int | None
    private: bool


def find_channel(path: Path, name: str) -> tuple[int, str]:
    """The id of the channel that has this name now, and the name as it is written.

    Raises :class:`NoSuchChannelError`, and what :func:`~securechat.store.snapshot.reading` raises.
    """
    with reading(path) as connection:
        require_this_version(connection, path)
        found = connection.execute("SELECT id, name FROM channels WHERE key = ?", (casefold(name),)).fetchone()
        if found is None:
            names: dict[str, str] = dict(connection.execute("SELECT key, name FROM channels"))
            near = get_close_matches(casefold(name), names, n=3)
            hint = f"; did you mean {' or '.join(names[key] for key in near)}?" if near else ""
            raise NoSuchChannelError(f"there is no channel {_shown(name)} that lasts{hint}")
    return int(found[0]), str(found[1])


def read(path: Path, wanted: Selection) -> Iterator[Row]:
    """The rows that are wanted, from the oldest to the newest of those that are there now.

    Raises what :func:`~securechat.store.snapshot.reading` raises.
    """
    query = _OF_ALL if wanted.channel is None else _OF_CHANNEL
    values = {"channel": wanted.channel, "channels": wanted.channels, "private": wanted.private, "most": _PAGE}
    first, last = wanted.first, -1
    while True:
        with reading(path) as connection:
            require_this_version(connection, path)
            if last < 0:
                (newest,) = connection.execute("SELECT coalesce(max(stamp), 0) FROM log").fetchone()
                last = min(newest, wanted.last)
            found = connection.execute(query, {**values, "first": first, "last": last}).fetchall()
        try:
            page = [_row(row) for row in found]
        except ValueError as error:
            raise DamagedError(f"{path} is damaged: a row of the log has a kind that there is not") from error
        yield from page
        if len(page) < _PAGE:
            return
        first = page[-1].stamp + 1


def _row(found: tuple[int, int, str, str | None, int, str | None, str, str, str, int | None, int]) -> Row:
    stamp, number, source, account, bot, channel, target, text, tags, redacted, elsewhere = found
    kind, about = Kind(number), None
    private = bool(elsewhere) and kind in (Kind.TAGMSG, Kind.PRIVMSG, Kind.NOTICE, Kind.REDACT)
    if redacted is not None:
        text = tags = ""  # as it is in the store
    elif kind in (Kind.KICK, Kind.RENAME, Kind.REDACT):
        about, _, text = text.partition(" ")
    elif kind is Kind.MODE:
        text = masked(text)
    elif kind in (Kind.PRIVMSG, Kind.NOTICE):
        text = logical(text)
    return Row(stamp, kind, source, account, bool(bot), channel, target, text, about, tags, redacted, private)


def masked(modes: str) -> str:
    """The words of a MODE with ``*`` in the place of a channel's key: ``+kl * 30``."""
    letters, parameters, sign = "", [], ""
    words = modes.split(" ")
    for change in parse_modes(ALL_KINDS, words, len(words)).changes:
        wanted = "+" if change.adding else "-"
        letters += change.letter if wanted == sign else wanted + change.letter
        sign = wanted
        if change.parameter is not None:
            parameters.append("*" if change.letter == "k" else change.parameter)
    return " ".join((letters, *parameters))


def as_json(row: Row) -> str:
    """One line, as the table above describes it; only ``"\\n"`` ends a line in it."""
    return json.dumps(
        {
            "time": iso_time(row.stamp),
            "msgid": msgid(row.stamp),
            "kind": row.kind.name,
            "source": row.source,
            "account": row.account,
            "bot": row.bot,
            "channel": row.channel,
            "target": row.target,
            "text": row.text,
            "about": row.about,
            "tags": parse_tags(row.tags),
            "redacted": msgid(row.redacted) if row.redacted is not None else None,
        }
    )


def _shown(name: str) -> str:
    return name if name.isprintable() else ascii(name)
