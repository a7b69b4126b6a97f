"""The index is filled behind a log, finds what is there, leaves nothing of what is taken out, and may be lost."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from securechat.store.search_find import Place, TooLongError, find
from securechat.store.search_index import (
    Indexed,
    SearchIndex,
    channel_place,
    conversation_places,
    own_place,
)
from securechat.store.search_text import parse_query

CHECK = "INSERT INTO part_{0}(part_{0}) VALUES ('integrity-check')"
LETTERS = "abdefgijkmoq"  # with which no other term begins: FTS5 writes of a word what the one before it does not have
LOBBY, CELLAR = 1 << 60, (1 << 60) + 1
ALICE, BOB, CAROL = 100, 101, 102


class Log:
    """Rows as the index reads them; the stamps are the numbers of the rows, times ten."""

    def __init__(self) -> None:
        self.rows: list[Indexed] = []

    def say(
        self,
        text: str | None,
        channel: int | None = LOBBY,
        nick: str = "alice",
        account: int = ALICE,
        to: int | None = None,
    ) -> Indexed:
        row = Indexed(10 * (len(self.rows) + 1), text, channel, f"{nick}!u@h", account, to)
        self.rows.append(row)
        return row

    def read(self, after: int, most: int) -> Sequence[Indexed]:
        return [row for row in self.rows if row.stamp > after][:most]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "search.db"


@pytest.fixture
def index(file: Path) -> Iterator[SearchIndex]:
    index = SearchIndex(file, part=4)
    yield index
    index.close()


@pytest.fixture
def log() -> Log:
    return Log()


def fill(index: SearchIndex, log: Log, most: int = 3) -> None:
    while index.catch_up(log.read, most):
        pass


def found(index: SearchIndex, asked: str | None, *places: str, **options: object) -> list[int]:
    wanted = [Place(words) for words in places] or None
    query = None if asked is None else parse_query(asked)
    return list(find(index.path, query, wanted, **options))  # type: ignore[arg-type]


def bytes_of(file: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(file.parent.glob(file.name + "*")))


def test_messages_are_found_from_the_newest_to_the_oldest_over_all_parts(index: SearchIndex, log: Log) -> None:
    stamps = [log.say(f"word number {at}").stamp for at in range(20)]
    fill(index, log)
    assert found(index, "word") == stamps[::-1]
    assert found(index, "word", oldest_first=True) == stamps
    assert found(index, "word", first=stamps[3], last=stamps[12]) == stamps[3:13][::-1]
    assert found(index, '"number 7"') == [stamps[7]]
    assert found(index, "absent") == []
    with contextlib.closing(sqlite3.connect(index.path)) as connection:
        assert connection.execute("SELECT count(*) FROM parts").fetchone()[0] > 3


def test_it_goes_on_where_it_was(file: Path, log: Log) -> None:
    first = SearchIndex(file)
    log.say("one")
    fill(first, log)
    first.close()
    second = SearchIndex(file)
    log.say("two")
    read: list[int] = []
    while second.catch_up(lambda after, most: read.append(after) or log.read(after, most), 10):  # type: ignore[func-returns-value]
        pass
    assert read == [10, 20]
    assert second.indexed == 20
    assert second.messages() == 2
    assert found(second, "one") == [10]
    second.close()


def test_what_is_no_message_is_passed_over(index: SearchIndex, log: Log) -> None:
    for text in (None, None, None, "words", None, None, None, None):
        log.say(text)
    fill(index, log)
    assert index.indexed == 80
    assert index.messages() == 1
    assert found(index, "words") == [40]


def test_places(index: SearchIndex, log: Log) -> None:
    here = log.say("secret word", LOBBY).stamp
    there = log.say("secret word", CELLAR, "Bob[x]", BOB).stamp
    to_bob = log.say("secret word", None, "alice", ALICE, BOB).stamp
    to_alice = log.say("secret word", None, "bob", BOB, ALICE).stamp
    to_carol = log.say("secret word", None, "bob", BOB, CAROL).stamp
    to_self = log.say("secret word", None, "alice", ALICE, ALICE).stamp
    fill(index, log)
    assert found(index, "secret", channel_place(LOBBY)) == [here]
    assert found(index, "secret", channel_place(LOBBY), channel_place(CELLAR)) == [there, here]
    assert found(index, "secret", own_place(ALICE)) == [to_self, to_alice, to_bob]
    assert found(index, "secret", *conversation_places(ALICE, BOB)) == [to_alice, to_bob]
    assert found(index, "secret", *conversation_places(BOB, CAROL)) == [to_carol]
    assert found(index, "secret", *conversation_places(ALICE, ALICE)) == [to_self]
    assert found(index, None, own_place(ALICE), nick="bob") == [to_alice]
    assert found(index, None, nick="bOB[X]") == [there]
    assert found(index, "secret", own_place(12345)) == []


def test_the_names_of_places_are_no_words(index: SearchIndex, log: Log) -> None:
    log.say("a text")
    fill(index, log)
    assert found(index, channel_place(LOBBY)) == []


def test_parts_before_the_right_to_read_are_left_out(index: SearchIndex, log: Log) -> None:
    stamps = [log.say("word").stamp for _ in range(12)]
    fill(index, log, most=4)
    query = parse_query("word")
    assert list(find(index.path, query, [Place(channel_place(LOBBY), stamps[8])])) == stamps[8:][::-1]
    assert list(find(index.path, query, [])) == []


def test_a_search_has_its_time(index: SearchIndex, log: Log) -> None:
    for _ in range(12):
        log.say("word")
    fill(index, log)
    with pytest.raises(TooLongError):
        list(find(index.path, parse_query("word"), None, seconds=-1.0))


def test_what_was_erased_is_in_no_file(index: SearchIndex, log: Log, file: Path) -> None:
    rows = [log.say(f"harmless {letter}xylophone") for letter in LETTERS]
    fill(index, log)
    found(index, "harmless")
    for letter in LETTERS.encode():
        assert b"%cxylophone" % letter in bytes_of(file)
    assert index.erase([rows[5], rows[9]])
    content = bytes_of(file)
    for letter in b"gm":
        assert b"%cxylo" % letter not in content
    assert found(index, "harmless") == [row.stamp for row in rows[::-1] if row not in (rows[5], rows[9])]
    assert found(index, "gxylophone") == []
    assert found(index, "ixylophone") == [rows[6].stamp]
    assert index.messages() == 10
    _check(file)


def test_erasing_what_is_not_there_changes_nothing(index: SearchIndex, log: Log, file: Path) -> None:
    row = log.say("one word")
    other = log.say("another word")
    log.say(None)
    fill(index, log)
    never = Indexed(15, "one word", LOBBY, "alice!u@h", ALICE, None)
    assert index.erase([row, row, never, Indexed(9999, "later", LOBBY, "alice!u@h", ALICE, None)])
    assert index.erase([row])
    assert index.messages() == 1
    assert found(index, "word") == [other.stamp]
    _check(file)


def test_a_reader_is_waited_for_by_calling_again(
    index: SearchIndex, log: Log, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("securechat.store.search_index.BUSY_SECONDS", 0.01)
    rows = [log.say("word xylophone"), log.say("word")]
    fill(index, log)
    reading = find(index.path, parse_query("word"), None)
    assert next(reading) == rows[1].stamp
    assert not index.erase([rows[0]])
    reading.close()
    assert index.erase([rows[0]])
    assert b"ylophone" not in bytes_of(file)


def test_a_part_of_which_nothing_is_left_goes(index: SearchIndex, log: Log, file: Path) -> None:
    rows = [log.say("word") for _ in range(12)]
    fill(index, log, most=4)
    assert index.erase(rows[:4])
    assert index.erase(rows[8:])
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*), sum(messages), sum(dirty) FROM parts").fetchone() == (2, 4, 0)
    assert found(index, "word") == [row.stamp for row in rows[4:8][::-1]]


def test_only_its_owner_reads_the_file(index: SearchIndex, log: Log, file: Path) -> None:
    log.say("word")
    fill(index, log)
    for path in file.parent.glob(file.name + "*"):
        assert path.stat().st_mode & 0o777 == 0o600, path


@pytest.mark.parametrize("damage", ["nonsense", "other format", "another database", "empty", "old wal"])
def test_a_file_that_is_none_is_made_anew(file: Path, log: Log, damage: str) -> None:
    log.say("word")
    if damage == "nonsense":
        file.write_bytes(b"nonsense" * 1000)
    elif damage == "empty":
        file.write_bytes(b"")
    elif damage == "old wal":
        file.with_name(file.name + "-wal").write_bytes(b"nonsense" * 1000)
    else:
        before = SearchIndex(file)
        fill(before, log)
        before.close()
        with contextlib.closing(sqlite3.connect(file)) as connection:
            if damage == "other format":
                connection.execute("UPDATE state SET format = 'older'")
            else:
                connection.execute("DROP TABLE state")
            connection.commit()
    index = SearchIndex(file)
    assert index.indexed == 0
    fill(index, log)
    assert found(index, "word") == [10]
    index.close()


def test_damage_that_is_met_on_the_way_costs_the_file(file: Path, log: Log) -> None:
    for at in range(200):
        log.say(f"word {at} and others {at * 7919}")
    index = SearchIndex(file)
    fill(index, log, 100)
    index.close()
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(8192)
        opened.write(b"\xff" * (size - 8192))
    log.say("one more word")
    with contextlib.suppress(sqlite3.DatabaseError):
        fill(index, log)
    with contextlib.suppress(sqlite3.DatabaseError):
        index.take_out(log.rows[:50])
    fill(index, log)
    assert index.indexed == 2010
    assert len(found(index, "word")) in (201, 151)
    index.close()


def test_it_is_rebuilt(index: SearchIndex, log: Log) -> None:
    log.say("word")
    fill(index, log)
    index.rebuild()
    assert index.indexed == 0
    fill(index, log)
    assert found(index, "word") == [10]


_KILLED = """
import sys
from pathlib import Path
from securechat.store.search_index import Indexed, SearchIndex

index = SearchIndex(Path(sys.argv[1]), part=50)
rows = [Indexed(at, f"word{at % 7} of many", 5, "alice!u@h", 1, None) for at in range(1, 100_000)]
start = index.indexed
print(start, flush=True)
while index.catch_up(lambda after, most: rows[after:after + most], 10):
    print(index.indexed, flush=True)
"""


def test_a_kill_at_any_moment_leaves_it_right(file: Path) -> None:
    for attempt in range(4):
        with subprocess.Popen([sys.executable, "-c", _KILLED, str(file)], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(5 + 9 * attempt):
                said = int(process.stdout.readline())
            os.kill(process.pid, signal.SIGKILL)
        index = SearchIndex(file)
        indexed = index.indexed
        assert indexed >= said
        assert index.messages() == indexed
        assert found(index, "many", oldest_first=True) == list(range(1, indexed + 1))
        index.close()
    _check(file)


def _check(file: Path) -> None:
    """SQLite's own opinion of the file, and FTS5's of each part."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for (part,) in connection.execute("SELECT id FROM parts").fetchall():
            connection.execute(CHECK.format(part))
