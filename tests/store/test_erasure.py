"""What was taken back is gone from every byte of every file; and the tests that show it would see it."""

import contextlib
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from securechat.chat.events import Said
from securechat.chat.machine import Applied
from securechat.chat.requests import Arrive, Join, Redact, Say
from securechat.irc.multiline import joined
from securechat.store.database import NotStored
from securechat.store.erasure import Erasure
from securechat.store.search_index import Indexed, SearchIndex, read_log, read_only
from tests.store.disk import BROKEN
from tests.store.shop import ANN, BOB, Shop, Table, hello, look

GUEST = 3
LONG = 9000
"""Characters: more than two pages."""


class Taking(Table):
    """A table at which things are said and taken back, with a search index, and what erases them."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.index = SearchIndex(path.with_name("search.db"))
        self.logged: list[tuple[str, dict[str, Any]]] = []
        self.erasure = self.new_erasure()
        self._words = random.Random(4)

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.index.close()

    def new_erasure(self) -> Erasure:
        return Erasure(
            self.path,
            self.database,
            self.journal,
            self.index.erase,
            lambda what, **more: self.logged.append((what, more)),
        )

    def word(self) -> str:
        """One that nobody has ever said."""
        return "zq" + "".join(self._words.choices("bcdfghjklmnpqrstvwx", k=18))

    def say(self, request: Say) -> int:
        """Its stamp."""
        self.do(request)
        said = self.shown[-1]
        assert isinstance(said, Said)
        return said.stamp

    def indexed(self) -> None:
        with contextlib.closing(read_only(self.path)) as connection:
            while self.index.catch_up(lambda after, most: read_log(connection, after, most)):
                pass

    def take_back(self, stamp: int, session: int = ANN) -> None:
        original = self.database.original(stamp)
        assert original is not None
        self.do(Redact(session, original.target, original, "never mind"))
        assert self.database.original(stamp) is None

    def waiting(self) -> list[tuple[str, str]]:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return connection.execute("SELECT text, tags FROM erased").fetchall()


def found(directory: Path, words: Sequence[str]) -> dict[str, list[str]]:
    """By file: which of the words are anywhere in its bytes; without their beginnings, which an index may have only
    once for several."""
    files = {file.name: file.read_bytes().lower() for file in directory.iterdir() if file.is_file()}
    assert files
    seen = {name: [word for word in words if word[8:].encode() in data] for name, data in files.items()}
    return {name: words for name, words in seen.items() if words}


@pytest.fixture
def taking(path: Path) -> Iterator[Taking]:
    with Taking(path) as taking:
        yield taking


Secret = Callable[[Taking, str], Say]

SECRETS: dict[str, Secret] = {
    "short": lambda _, word: hello(ANN, word),
    "long": lambda _, word: hello(ANN, f"{word} and more"),
    "of several lines": lambda _, word: Say(
        ANN, "PRIVMSG", "#tea", joined([("x" * 400, False)] * (LONG // 400) + [(word, False)]), multiline=True
    ),
    "in the tags": lambda _, word: Say(ANN, "NOTICE", "#tea", "hi", f"+a={word}"),
    "in tags without a text": lambda _, word: Say(ANN, "TAGMSG", "#tea", "", f"+a={word}"),
    "private": lambda _, word: Say(ANN, "PRIVMSG", "bob", word),
    "to somebody who is not there": lambda _, word: Say(ANN, "PRIVMSG", "eve", f"psst {word}"),
    "to some": lambda _, word: Say(ANN, "PRIVMSG", "@#tea", word),
    "to oneself": lambda _, word: Say(ANN, "PRIVMSG", "ann", word),
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_gone_from_every_file(taking: Taking, path: Path, secret: Secret) -> None:
    word, kept = taking.word(), taking.word()
    taking.say(hello(BOB, kept))
    stamp = taking.say(secret(taking, word))
    taking.say(hello(BOB, "hello"))
    taking.indexed()
    assert found(path.parent, [word])
    taking.take_back(stamp)
    assert found(path.parent, [word])
    assert taking.erasure.run()
    assert found(path.parent, [word]) == {}
    assert found(path.parent, [kept]).keys() == {"securechat.db", "search.db"}
    assert taking.logged == [("messages erased", {"number": 1})]
    assert taking.waiting() == []
    taking.database.close()
    taking.index.close()
    assert found(path.parent, [word]) == {}
    with look(path) as (_, _, connection):
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_many_at_once(taking: Taking, path: Path) -> None:
    words = [taking.word() for _ in range(160)]
    stamps = [taking.say(hello(ANN, f"{word} x" * (1 + at % 30))) for at, word in enumerate(words)]
    taking.indexed()
    for stamp in stamps[::2]:
        taking.take_back(stamp)
    assert taking.erasure.run()
    assert found(path.parent, words[::2]) == {}
    assert found(path.parent, words[1::2])["securechat.db"] == words[1::2]
    assert sum(more["number"] for _, more in taking.logged) == 80


def test_without_secure_delete_it_would_be_found(taking: Taking, path: Path) -> None:
    taking.disk.connections[-1].execute("PRAGMA secure_delete = OFF")
    words = [taking.word() for _ in range(20)]
    stamps = [taking.say(hello(ANN, word)) for word in words]
    for stamp in stamps:
        taking.take_back(stamp)
    taking.erasure.run()
    assert "securechat.db" in found(path.parent, words)


def test_a_message_that_waits_for_somebody_is_shown_to_nobody(taking: Taking) -> None:
    eve = taking.chat.accounts["eve"].id
    stamp = taking.say(Say(ANN, "PRIVMSG", "eve", "secret"))
    later = taking.say(Say(ANN, "PRIVMSG", "eve", "hello"))
    taking.take_back(stamp)
    assert [said.text for said in taking.database.held_messages(eve, later)] == ["hello"]


def test_the_search_index_leaves_no_copies_either(tmp_path: Path) -> None:
    """Its rows are moved when it merges what it has."""
    chance = random.Random(3)
    index = SearchIndex(tmp_path / "search.db", part=1000)
    words = ["zq" + "".join(chance.choices("bcdfghjklmnpqrstvwx", k=18)) for _ in range(3000)]
    log = {
        number << 25: Indexed(number << 25, word + " and so on" * chance.choice([0, 1, 20]), 7, "ann!a@b", 5, None)
        for number, word in enumerate(words, 1)
    }
    gone: list[str] = []
    for _ in range(4):
        while index.catch_up(lambda after, most: [row for stamp, row in log.items() if stamp > after][:most]):
            pass
        some = chance.sample(sorted(log), 100)
        rows = [log.pop(stamp) for stamp in some]
        gone += [row.text.partition(" ")[0] for row in rows if row.text is not None]
        assert index.erase(rows)
        assert found(tmp_path, gone) == {}
    assert index.messages() == len(log) == 2600
    index.close()


# -- what can go wrong -------------------------------------------------------------------------------------------------


def test_while_somebody_reads_it_waits(taking: Taking, path: Path) -> None:
    word = taking.word()
    stamp = taking.say(hello(ANN, word))
    with contextlib.closing(read_only(path)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT text FROM log WHERE stamp = ?", (stamp,)).fetchone() == (word,)
        taking.take_back(stamp)
        assert not taking.erasure.run()
        assert found(path.parent, [word])
        assert reader.execute("SELECT text FROM log WHERE stamp = ?", (stamp,)).fetchone() == (word,)
    assert taking.erasure.run()
    assert found(path.parent, [word]) == {}


def test_first_the_search_index(taking: Taking, path: Path) -> None:
    """Without the text it could not take it out any more."""
    word = taking.word()
    asked: list[Sequence[Indexed]] = []
    taking.take_back(taking.say(hello(ANN, word)))

    def refuse(rows: Sequence[Indexed]) -> bool:
        asked.append(rows)
        return False

    erasure = Erasure(path, taking.database, taking.journal, refuse)
    assert not erasure.run()
    assert taking.waiting() == [(word, "")]
    ((row,),) = asked
    assert (row.text, row.source, row.account) == (word, "ann!~ann@host", taking.chat.accounts["ann"].id)

    def fail(_: Sequence[Indexed]) -> bool:
        raise sqlite3.OperationalError("no")

    with pytest.raises(sqlite3.OperationalError):
        Erasure(path, taking.database, taking.journal, fail).run()
    assert taking.waiting() == [(word, "")]
    assert taking.erasure.run()
    assert taking.waiting() == []


def test_the_disk_fails_at_any_point(path: Path) -> None:
    """What is not done then is done later: by the same server, or by the next."""
    with Taking(path) as taking:
        steps = 0
        for step in range(200):
            words = [taking.word() for _ in range(3)]
            for word in words:
                taking.take_back(taking.say(hello(ANN, word)))
            taking.indexed()
            taking.disk.fail(step, BROKEN)
            with contextlib.suppress(NotStored):
                steps += 1
                taking.erasure.run()
                taking.disk.mend()
                break
            taking.disk.mend()
            taking.do(hello(BOB))
            if step % 2:
                taking.erasure = taking.new_erasure()
            assert taking.erasure.run()
            assert taking.waiting() == []
            assert found(path.parent, words) == {}
        assert steps > 10
        taking.errors.clear()


def test_after_a_crash(path: Path, tmp_path: Path) -> None:
    """Whenever that was: the files as they are at each statement, in the hands of another server."""
    copies: list[Path] = []
    with Taking(path) as taking:
        word = taking.word()
        taking.take_back(taking.say(hello(ANN, word)))
        taking.indexed()
        step = taking.disk.step

        def copy(what: str) -> sqlite3.Error | None:
            copies.append(tmp_path / f"crash-{len(copies)}")
            copies[-1].mkdir()
            for file in path.parent.glob("*.db*"):
                shutil.copy(file, copies[-1])
            return step(what)

        taking.disk.step = copy  # type: ignore[method-assign]
        assert taking.erasure.run()
        taking.disk.step = step  # type: ignore[method-assign]
    assert len(copies) > 8
    for directory in copies:
        with Shop(directory / path.name) as shop:
            index = SearchIndex(directory / "search.db")
            assert Erasure(shop.path, shop.database, shop.journal, index.erase).run()
            assert found(directory, [word]) == {}
            index.close()


def test_not_while_nobody_knows_whether_it_was_taken_back(taking: Taking, path: Path) -> None:
    word = taking.word()
    stamp = taking.say(hello(ANN, word))
    original = taking.database.original(stamp)
    assert original is not None
    taking.disk.fail_commit(BROKEN, done_first=True)
    (entry,) = taking.ask(Redact(ANN, "#tea", original))
    assert not isinstance(entry.outcomes[0], Applied)
    assert taking.database.in_doubt
    with pytest.raises(NotStored):
        taking.erasure.run()
    taking.disk.mend()
    assert taking.erasure.run()
    with contextlib.closing(sqlite3.connect(taking.path)) as connection:
        assert connection.execute("SELECT text FROM log WHERE stamp = ?", (stamp,)).fetchone() == (word,)
    taking.errors.clear()


# -- copies of the store -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["schema-3.bak", "before-restore-20261122T140323Z", "before-restore-20261122T140323Z-2"]
)
def test_copies_lose_it_and_can_be_used(taking: Taking, path: Path, name: str) -> None:
    word, kept = taking.word(), taking.word()
    taking.say(hello(BOB, kept))
    stamp = taking.say(hello(ANN, word))
    copy = path.with_name(f"{path.name}.{name}")
    connection = taking.disk.connections[-1]
    connection.execute("VACUUM INTO ?", (str(copy),))
    with contextlib.closing(sqlite3.connect(copy)) as older:
        if name.startswith("schema"):  # before this version there was no such table
            older.execute("DROP TABLE erased")
        else:
            older.execute("INSERT INTO erased VALUES (1, ?, '')", (word + "z",))
            older.commit()
    taking.take_back(stamp)
    assert taking.erasure.run()
    assert found(path.parent, [word]) == {}
    assert copy.name in found(path.parent, [kept])
    assert ("messages erased in a copy", {"file": copy.name, "number": 1}) in taking.logged
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT text FROM log WHERE kind = 1").fetchall() == [(kept,), ("",)]
    taking.logged.clear()
    taking.take_back(taking.say(hello(ANN, taking.word())))
    assert taking.erasure.run()
    assert taking.logged == [("messages erased", {"number": 1})], "it is left alone where it has nothing of it"


def test_a_copy_that_is_none(taking: Taking, path: Path) -> None:
    """The store itself is clean all the same, and the rest is tried again."""
    word = taking.word()
    copy = path.with_name(f"{path.name}.schema-3.bak")
    copy.write_bytes(b"no database at all " * 100)
    taking.take_back(taking.say(hello(ANN, word)))
    for _ in range(2):
        with pytest.raises(sqlite3.DatabaseError):
            taking.erasure.run()
        assert found(path.parent, [word]) == {}
        assert taking.waiting() == [("", "")]
    copy.unlink()
    assert taking.erasure.run()
    assert taking.waiting() == []


def test_a_guest_and_a_second_time(taking: Taking, path: Path) -> None:
    word = taking.word()
    taking.do(Arrive(GUEST, "guest", "~g", "host", "a guest"), Join(GUEST, "#tea"))
    stamp = taking.say(hello(GUEST, word))
    original = taking.database.original(stamp)
    assert original is not None
    first, second = taking.ask(Redact(ANN, "#tea", original), Redact(GUEST, "#tea", original))
    assert isinstance(first.outcomes[0], Applied)
    assert not isinstance(second.outcomes[0], Applied)
    assert taking.erasure.run()
    assert found(path.parent, [word]) == {}
