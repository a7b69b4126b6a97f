"""Reading out what was said: all that is wanted, in order, and nothing that must not be shown."""

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.chat.requests import Join, Say
from securechat.chat.stamps import iso_time, msgid, stamp_at
from securechat.store import export
from securechat.store.export import END, NoSuchChannelError, Row, Selection, as_json, find_channel, masked, read
from securechat.store.rows import Kind
from securechat.store.snapshot import DamagedError, WrongStoreError
from tests.store.shop import ANN, Table, hello

FILES = Path(__file__).parents[1] / "data"
NOON = 1_793_534_400_000
"""2026-11-01T12:00:00Z, in milliseconds: from then on something happens in the file each minute."""


def minute(number: int) -> int:
    return stamp_at(NOON + number * 60_000)


@pytest.fixture
def store(path: Path) -> Path:
    shutil.copyfile(FILES / "schema-5.db", path)
    return path


@contextlib.contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def stamps(path: Path, condition: str) -> list[int]:
    with raw(path) as connection:
        return [stamp for (stamp,) in connection.execute(f"SELECT stamp FROM log WHERE {condition} ORDER BY stamp")]  # noqa: S608


def found(path: Path, wanted: Selection) -> list[int]:
    return [row.stamp for row in read(path, wanted)]


def tee(path: Path) -> int:
    return find_channel(path, "#tEE")[0]


def test_a_channel(store: Path) -> None:
    """Under all names that it had; and who came and went with others."""
    rows = list(read(store, Selection(tee(store))))
    assert [(row.kind.name, row.source.split("!")[0]) for row in rows] == [
        *[("JOIN", nick) for nick in ("ann", "bob", "eve", "guest")],
        *[("TOPIC", "ann"), ("PRIVMSG", "ann"), ("NOTICE", "bob"), ("PRIVMSG", "bob"), ("PRIVMSG", "eve")],
        *[("MODE", "ann"), ("PRIVMSG", "ann"), ("KICK", "ann"), ("RENAME", "ann"), ("PART", "eve")],
        *[("PRIVMSG", "bob"), ("REDACT", "bob"), ("PRIVMSG", "bob")],
    ]
    assert {row.channel for row in rows} == {"#Tee"}
    lobby, _ = find_channel(store, "#lobby")
    kinds = [row.kind for row in read(store, Selection(lobby))]
    assert [kinds.count(kind) for kind in (Kind.QUIT, Kind.NICK, Kind.JOIN)] == [3, 1, 5]


def test_each_row(store: Path) -> None:
    rows = {row.kind: row for row in read(store, Selection(tee(store)))}
    assert (rows[Kind.KICK].about, rows[Kind.KICK].text) == ("guest", "away with you")
    assert (rows[Kind.RENAME].target, rows[Kind.RENAME].about, rows[Kind.RENAME].text) == ("#Tea", "#Tee", "German")
    assert rows[Kind.MODE].text == "+bbevklo *!*@spam *!*@ham ham!*@* eve * 30 bob"
    taken = next(row for row in read(store, Selection(tee(store))) if row.redacted)
    assert (taken.text, taken.tags) == ("", "")
    assert rows[Kind.REDACT].about == msgid(taken.stamp)
    assert taken.redacted == rows[Kind.REDACT].stamp
    (first,) = [row for row in read(store, Selection(tee(store))) if row.text == "with a tag"]
    assert first == Row(
        *(first.stamp, Kind.PRIVMSG, "bob!~bob@host", "bob", False, "#Tee", "#Tea", "with a tag", None),
        *("+typing=done", None, False),
    )


def test_what_everybody_said(store: Path) -> None:
    private = "(channel IS NULL AND kind IN (1, 2, 11))"
    assert found(store, Selection(channels=True)) == stamps(store, f"kind < 32 AND NOT {private}")
    assert found(store, Selection(private=True)) == stamps(store, private)
    assert found(store, Selection(channels=True, private=True)) == stamps(store, "kind < 32")
    assert all(row.private for row in read(store, Selection(private=True)))
    assert {row.channel for row in read(store, Selection(channels=True))} == {"#lobby", "#Tee", "#eve", None}


def test_of_a_time(store: Path) -> None:
    of_tee = found(store, Selection(tee(store)))
    for first, last in ((0, END), (minute(22), minute(29)), (of_tee[3], of_tee[5]), (minute(90), END), (5, 4)):
        expected = [stamp for stamp in of_tee if first <= stamp <= last]
        assert found(store, Selection(tee(store), first=first, last=last)) == expected
        everything = stamps(store, f"kind < 32 AND stamp BETWEEN {first} AND {last}")
        assert found(store, Selection(channels=True, private=True, first=first, last=last)) == everything


@pytest.mark.parametrize("size", [1, 2, 3, 500])
def test_in_pages_of_any_size(store: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_PAGE", size)
    assert found(store, Selection(channels=True, private=True)) == stamps(store, "kind < 32")
    assert len(found(store, Selection(tee(store)))) == 17


def test_while_it_is_read_the_server_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said meanwhile is not in it, or it would never end; and the WAL can be emptied."""
    monkeypatch.setattr(export, "_PAGE", 2)
    with Table(path) as table:
        table.do(*(hello(ANN, str(number)) for number in range(7)))
        id, _ = find_channel(path, "#tea")
        texts = []
        for row in read(path, Selection(id)):
            texts.append(row.text)
            table.do(hello(ANN, "more"))
            assert table.disk.connections[0].execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        assert texts[2:] == [str(number) for number in range(7)]


def test_json(store: Path) -> None:
    for row in read(store, Selection(channels=True, private=True)):
        line = as_json(row)
        assert line.isascii()
        assert line.isprintable()
        assert json.loads(line) == {
            "time": iso_time(row.stamp),
            "msgid": msgid(row.stamp),
            "kind": row.kind.name,
            "source": row.source,
            "account": row.account,
            "bot": False,
            "channel": row.channel,
            "target": row.target,
            "text": row.text,
            "about": row.about,
            "tags": {"+typing": "done"} if row.tags else {},
            "redacted": msgid(row.redacted) if row.redacted else None,
        }


def test_several_lines_are_lines(path: Path) -> None:
    with Table(path) as table:
        table.do(Say(ANN, "PRIVMSG", "#tea", "one\rand a half\n\ntwo", "", True))
        (row,) = [row for row in read(path, Selection(channels=True)) if row.kind is Kind.PRIVMSG]
        assert row.text == "oneand a half\n\ntwo"


@pytest.mark.parametrize(
    ("modes", "shown"),
    [
        ("+k sesame", "+k *"),
        ("+lk 30 sesame", "+lk 30 *"),
        ("-k+k sesame", "-k *"),  # there is none without a parameter; if there were, the key would not be shown
        ("+bk-k a!*@* sesame *", "+bk-k a!*@* * *"),
        ("+o-v+m k k", "+o-v+m k k"),
        ("-l+i", "-l+i"),
        ("", ""),
    ],
)
def test_keys_are_masked(modes: str, shown: str) -> None:
    assert masked(modes) == shown


def test_a_channel_that_is_not_there(store: Path) -> None:
    for name, sentence in (
        ("#te", "there is no channel #te that lasts; did you mean #Tee?"),
        ("Tee", "there is no channel Tee that lasts; did you mean #Tee?"),
        ("#Tea", "there is no channel #Tea that lasts; did you mean #Tee?"),
        ("#something-else", "there is no channel #something-else that lasts"),
        ("#\x1b[2J", "there is no channel '#\\x1b[2J' that lasts"),
    ):
        with pytest.raises(NoSuchChannelError) as caught:
            find_channel(store, name)
        assert str(caught.value) == sentence


def test_what_can_not_be_read(store: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongStoreError, match="does not exist"):
        list(read(tmp_path / "nothing", Selection(channels=True)))
    with raw(store) as connection:
        connection.execute("UPDATE log SET kind = 31 WHERE kind = 7")
    with pytest.raises(DamagedError, match="a row of the log has a kind that there is not"):
        list(read(store, Selection(channels=True)))
    shutil.copyfile(FILES / "schema-3.db", store)
    with pytest.raises(WrongStoreError, match="is of schema 3, and this program's is 5: start its server once"):
        list(read(store, Selection(channels=True)))


def test_a_store_in_which_nothing_was_said(path: Path) -> None:
    with Table(path) as table:
        table.do(Join(ANN, "#new"))
        id, name = find_channel(path, "#NEW")
        assert name == "#new"
        assert len(found(path, Selection(id))) == 1
        assert found(path, Selection(id, first=END - 1)) == []
        assert found(path, Selection(private=True)) == []
