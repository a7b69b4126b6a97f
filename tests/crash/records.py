"""What people write down while a server is killed under them, and what its log has: nothing but data."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from securechat.chat.stamps import msgid
from securechat.store.rows import Kind

Words = tuple[str, str]
"""A target, and a text that nobody else sends and nobody sends twice."""

LOGGED = {"PRIVMSG", "NOTICE", "JOIN", "PART", "QUIT", "TOPIC"}
"""Of what is shown here with a msgid, all that has to be in the log."""

SPOKEN = {"PRIVMSG", "NOTICE", "TOPIC"}
"""Of this, what has a text of its own."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A line that somebody saw."""

    msgid: str
    command: str
    nick: str
    words: Words
    live: bool = True
    """Not shown because it was missed: it came after all that belongs to the arrival."""
    position: int = 0
    """How long the trace was when it had come, where the server is traced."""


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody sent: the words of each of its targets."""

    words: tuple[Words, ...]
    certain: bool = True
    """The server has no reason to refuse it."""


@dataclass
class Visit:
    """One connection of somebody's."""

    sent: list[Line] = field(default_factory=list)
    """What was sent for the first time."""
    again: set[Words] = field(default_factory=set)
    """What was sent again, under the client id that it was sent under before."""
    seen: list[Seen] = field(default_factory=list)


@dataclass
class Account:
    """All that somebody knows."""

    nick: str
    visits: list[Visit] = field(default_factory=list)
    acknowledged: dict[Words, Seen] = field(default_factory=dict)
    refused: set[Words] = field(default_factory=set)
    named: set[Words] = field(default_factory=set)
    """What was sent under a client id, so that it can be sent again."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the log."""

    msgid: str
    command: str
    nick: str
    words: Words

    @property
    def conversation(self) -> str:
        """Where it was said: the channel, or the two nicks."""
        target = self.words[0]
        return target if target.startswith("#") else " ".join(sorted((self.nick, target)))


def stored(database: Path) -> list[Row]:
    """The log in its order, out of a copy: nothing is done to the file. Its structure is looked at too."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / database.name
        for name in (database.name, f"{database.name}-wal"):
            if database.with_name(name).exists():
                shutil.copy(database.with_name(name), copy.with_name(name))
        return stored_in(copy)


def stored_in(database: Path) -> list[Row]:
    """As `stored`, of a file that may be opened for good."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute(_OTHER_TOPICS, (Kind.TOPIC,)).fetchall() == [], "the tables are not what the log says"
        rows = connection.execute("SELECT stamp, kind, source, target, text FROM log ORDER BY stamp")
        return [
            Row(msgid(stamp), Kind(kind).name, nick_in(source), (to, text)) for stamp, kind, source, to, text in rows
        ]


_OTHER_TOPICS = """
SELECT name, topic, last FROM (
    SELECT name, topic, (SELECT text FROM log WHERE channel = id AND kind = ? ORDER BY stamp DESC LIMIT 1) AS last
    FROM channels
) WHERE coalesce(topic, '') <> coalesce(last, '')
"""


def nick_in(source: str | None) -> str:
    return (source or "").partition("!")[0]


def up_to(accounts: Iterable[Account], position: int) -> list[Account]:
    """What was known when the trace was so long."""
    return [
        Account(
            account.nick,
            [
                Visit(visit.sent, visit.again, [seen for seen in visit.seen if seen.position <= position])
                for visit in account.visits
            ],
            {words: seen for words, seen in account.acknowledged.items() if seen.position <= position},
            account.refused,
            account.named,
        )
        for account in accounts
    ]
