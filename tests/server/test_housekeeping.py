"""What the server takes out of its files by itself, while people talk."""

import contextlib
import dataclasses
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from securechat.chat.client_ids import LIFETIME
from securechat.chat.stamps import STEP_BITS, parse_msgid
from securechat.server.config import Limits, RetentionConfig
from tests.server.wire import LIMIT, Client, House, Opener, one, running

CAPS = ("message-tags", "echo-message", "batch", "draft/multiline", "draft/message-redaction", "securechat/client-id")

DAY = 86_400_000 << STEP_BITS


def found(home: Path, words: Sequence[str]) -> dict[str, list[str]]:
    """By file of the server's: which of the words are anywhere in its bytes; without the two letters that all begin
    with, for an index may have these only once."""
    files = {file.name: file.read_bytes().lower() for file in (home / "data").iterdir() if file.is_file()}
    assert {"securechat.db", "securechat.db-wal", "securechat.db-shm", "lock"} <= files.keys()
    seen = {name: [word for word in words if word[2:].encode() in data] for name, data in files.items()}
    return {name: words for name, words in seen.items() if words}


def rows(home: Path, statement: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(home / "data" / "securechat.db")) as connection:
        return connection.execute(statement).fetchall()


def tidy(house: House) -> None:
    """Have it look around now."""
    if house.hub.searching is not None:
        assert house.hub.searching.settle(LIMIT)
    assert house.housekeeping.round_now(LIMIT)


def say(client: Client, *lines: str) -> str:
    """The msgid of what was said."""
    messages = client.ask(*lines)
    return next(message.tags["msgid"] for message in messages if "msgid" in message.tags)


@contextlib.contextmanager
def talking(certs: Path, home: Path, *, search: bool = True, again: bool = False) -> Iterator[tuple[House, Client]]:
    limits = Limits(throttle=False, multiline_max_bytes=20_000)
    with running(certs, home, search=search, again=again, limits=limits) as house:
        yield house, Opener(house)(None, *CAPS, account="alice", join="#tea")


@pytest.mark.parametrize("search", [True, False])
def test_what_was_taken_back_is_in_no_byte_of_any_file(certs: Path, tmp_path: Path, search: bool) -> None:
    """While the server runs, with those that it has open; and when it has stopped."""
    words = ["qxshortzv", "qxlongzv", "qxlineszv", "qxprivatezv", "qxheldzv", "qxtagzv", "qxsomezv"]
    pieces = [f"@batch=1 PRIVMSG #tea :{'x' * 400}" for _ in range(20)]  # more than a page
    with talking(certs, tmp_path, search=search) as (house, alice):
        Opener(house)("guest", *CAPS, join="#tea")
        alice.sync()
        tidy(house)
        said = [
            ("#tea", say(alice, "PRIVMSG #tea :qxshortzv")),
            ("#tea", say(alice, f"NOTICE #tea :qxlongzv {'y' * 380}")),
            (
                "#tea",
                say(alice, "BATCH +1 draft/multiline #tea", *pieces, "@batch=1 PRIVMSG #tea :qxlineszv", "BATCH -1"),
            ),
            ("guest", say(alice, "PRIVMSG guest :qxprivatezv")),
            ("dave", say(alice, "PRIVMSG dave :qxheldzv")),
            ("#tea", say(alice, "@+a=qxtagzv;securechat/client-id=one PRIVMSG #tea :hi")),
            ("@#tea", say(alice, "PRIVMSG @#tea :qxsomezv")),
        ]
        kept = say(alice, "PRIVMSG #tea :qxkeptzv")
        tidy(house)
        assert set(found(tmp_path, words)) == {"securechat.db-wal", "search.db-wal" if search else "securechat.db-wal"}
        for target, id in said:
            assert one(alice.ask(f"REDACT {target} {id} :qxreasonzv"), "REDACT").params[1] == id
        assert "securechat.db-wal" in found(tmp_path, words)
        tidy(house)
        assert found(tmp_path, words) == {}
        assert found(tmp_path, ["qxkeptzv", "qxreasonzv"])["securechat.db"] == ["qxkeptzv", "qxreasonzv"]
        assert house.hub.database.original(parse_msgid(kept) or 0) is not None
        say(alice, "PRIVMSG #tea :and on it goes")
        assert found(tmp_path, words) == {}
    data = b"".join(file.read_bytes().lower() for file in (tmp_path / "data").iterdir() if file.is_file())
    assert not [word for word in words if word[2:].encode() in data]
    assert b"qxkeptzv" in data


def test_the_next_server_goes_on(certs: Path, tmp_path: Path) -> None:
    """Also one that has no search index: then nothing is left of that either."""
    with talking(certs, tmp_path) as (house, alice):
        tidy(house)
        id = say(alice, "PRIVMSG #tea :qxsecretzv")
        assert house.hub.searching is not None
        assert house.hub.searching.settle(LIMIT)
        alice.ask(f"REDACT #tea {id}")
    assert rows(tmp_path, "SELECT text FROM erased") == [("qxsecretzv",)]
    with talking(certs, tmp_path, search=False, again=True) as (house, _):
        tidy(house)
        assert found(tmp_path, ["qxsecretzv"]) == {}
    assert rows(tmp_path, "SELECT * FROM erased") == []


def test_ids_of_messages_are_kept_for_a_day(certs: Path, tmp_path: Path) -> None:
    with talking(certs, tmp_path) as (house, alice):
        tidy(house)
        new = parse_msgid(say(alice, "@securechat/client-id=new PRIVMSG #tea :hello")) or 0
        old = [(new - LIFETIME - DAY - number, 1, str(number)) for number in range(1200)]
        house.ask(lambda _: house.hub.database.tidy([("INSERT INTO client_ids VALUES (?, ?, ?)", old)]))
    with talking(certs, tmp_path, again=True) as (house, _):
        tidy(house)
        assert rows(tmp_path, "SELECT stamp, id FROM client_ids") == [(new, "new")]


def test_what_is_old_goes(certs: Path, tmp_path: Path) -> None:
    """As the configuration that is in force says. What was indexed is found no more."""
    with talking(certs, tmp_path) as (house, alice):
        old, new = say(alice, "PRIVMSG #tea :qxoldzv"), say(alice, "PRIVMSG #tea :qxnewzv")
        tidy(house)
        stamp = parse_msgid(old) or 0
        house.ask(
            lambda _: house.hub.database.tidy(
                [("UPDATE log SET stamp = ? WHERE stamp = ?", [(stamp - 3 * DAY, stamp)])]
            )
        )
        tidy(house)
        assert rows(tmp_path, "SELECT text FROM log WHERE kind = 1") == [("qxoldzv",), ("qxnewzv",)]
        house.hub.adopt(dataclasses.replace(house.hub.config, retention=RetentionConfig(days=2)))
        tidy(house)
        assert rows(tmp_path, "SELECT text FROM log WHERE kind = 1") == [("qxnewzv",)]
        assert house.hub.database.original(parse_msgid(new) or 0) is not None


def test_what_goes_wrong_is_told_once_and_tried_again(certs: Path, tmp_path: Path) -> None:
    with talking(certs, tmp_path) as (house, alice):
        tidy(house)
        broken = tmp_path / "data" / "securechat.db.schema-1.bak"
        broken.write_bytes(b"not a database " * 100)
        alice.ask(f"REDACT #tea {say(alice, 'PRIVMSG #tea :qxsecretzv')}")
        for _ in range(2):
            assert not house.housekeeping.round_now(0.3)
            assert [fault.partition(" {")[0] for fault in house.faults] == ["housekeeping failed"]
        assert found(tmp_path, ["qxsecretzv"]) == {}
        assert rows(tmp_path, "SELECT text FROM erased") == [("",)]
        broken.unlink()
        tidy(house)
        assert rows(tmp_path, "SELECT text FROM erased") == []
        house.faults.clear()


def test_one_thread_that_ends_with_the_server(certs: Path, tmp_path: Path) -> None:
    def there() -> int:
        return [thread.name for thread in threading.enumerate()].count("housekeeping")

    with talking(certs, tmp_path):
        assert there() == 1
    assert there() == 0
