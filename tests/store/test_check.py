"""What is found in a store that is not as it should be, and that nothing is found in one that is."""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from securechat.chat.requests import Join
from securechat.chat.stamps import milliseconds, stamp_at
from securechat.store.check import check, compact
from securechat.store.check_rules import LOG_RULES, TABLE_RULES
from securechat.store.datadir import DataDir
from securechat.store.found import Found
from securechat.store.search_index import SearchIndex, read_log
from securechat.store.snapshot import DamagedError, WrongStoreError
from tests.store.kinds import CHAINED, Kind, open_shop
from tests.store.shop import ANN, BOB, Shop, hello

FILES = Path(__file__).parents[1] / "data"
NOW = 1_800_000_000_000  # 2027


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """A data directory with a store that has something of everything."""
    directory = DataDir(tmp_path / "data")
    directory.prepare()
    shutil.copyfile(FILES / "schema-5.db", directory.database)
    directory.database.chmod(0o600)
    return directory


@contextlib.contextmanager
def changing(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def index(data: DataDir, part: int = 10) -> SearchIndex:
    """The search index of the store, in parts of so many messages."""
    made = SearchIndex(data.search, part)
    with contextlib.closing(sqlite3.connect(data.database)) as connection:
        while made.catch_up(lambda after, most: read_log(connection, after, most), 7):
            pass
    return made


def looked_at(data: DataDir) -> dict[str, Found]:
    return {found.what: found for found in check(data, now_ms=lambda: NOW)}


def wrong(data: DataDir) -> list[str]:
    return [sentence for found in looked_at(data).values() for sentence in found.wrong]


def test_all_is_well(data: DataDir) -> None:
    index(data).close()
    found = looked_at(data)
    assert not [sentence for one in found.values() for sentence in one.wrong]
    assert list(found) == ["files", "pages", "tables", "log", "rows of the tables", "chat", "search index"]
    assert found["log"].there == "70 rows, from 2026-11-01T12:00:00.000Z to 2026-11-01T13:20:00.000Z"
    assert found["rows of the tables"].there == "5 accounts, 3 channels"
    assert found["search index"].there == "13 messages in 2 parts"


def test_nothing_is_changed(data: DataDir) -> None:
    index(data).close()
    before = data.database.read_bytes(), data.search.read_bytes()
    looked_at(data)
    assert (data.database.read_bytes(), data.search.read_bytes()) == before


def test_a_new_store(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "data")
    data.prepare()
    with Shop(data.database) as shop:
        assert wrong(data) == []
        shop.open()
        assert wrong(data) == []


def test_whatever_the_chat_does(tmp_path: Path, kind: Kind) -> None:
    """Nothing that it writes is found wrong, but for the passwords, of which no test makes real hashes."""
    data = DataDir(tmp_path / "data")
    data.prepare()
    with open_shop(data.database) as shop:
        shop.do(*kind(shop))
    assert [line for line in wrong(data) if "password" not in line] == []


@pytest.mark.parametrize("name", CHAINED)
def test_whatever_the_chat_does_one_after_the_other(tmp_path: Path, name: str) -> None:
    data = DataDir(tmp_path / "data")
    data.prepare()
    with open_shop(data.database) as shop:
        for request in CHAINED[name]:
            shop.do(request)
    assert [line for line in wrong(data) if "password" not in line] == []


def test_beside_a_server(tmp_path: Path) -> None:
    """What is said while it looks is not seen; and the inside of the search index is left alone."""
    data = DataDir(tmp_path / "data")
    with data.lock(), Shop(data.database) as shop, contextlib.closing(SearchIndex(data.search)) as search:
        shop.open("ann", "bob")
        shop.do(shop.login(ANN, "ann"), shop.login(BOB, "bob"), Join(ANN, "#tea"), hello(ANN, "one"))
        with changing(data.database) as connection:
            connection.execute("UPDATE accounts SET credential = ?", (PHC,))
            search.catch_up(lambda after, most: read_log(connection, after, most))
        found = []
        for one in check(data):
            shop.do(hello(ANN, f"after {one.what}"))
            found.append(one)
        assert not [sentence for one in found for sentence in one.wrong]
        assert next(one.there for one in found if one.what == "log").startswith("5 rows")
        assert found[-1].there == ("1 message in 1 part; what is inside can only be looked at while no server runs")


PHC = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43

BREAKING = {
    "of a kind that there is not": "UPDATE log SET kind = 12 WHERE kind = 3",
    "in a channel and private at once": "UPDATE log SET target_account = 5 WHERE kind = 1",
    "without the channel in which it happened": "UPDATE log SET channel = NULL WHERE kind = 7",
    "by nobody who could have done it": "UPDATE log SET source = 'ann' WHERE kind = 3",
    "with a text that it can't have": "UPDATE log SET text = 'ann' WHERE kind = 8",
    "taken back, and its text is there": "UPDATE log SET text = 'secret' WHERE redacted IS NOT NULL",
    "taken back before it was said": "UPDATE log SET redacted = stamp - 1 WHERE redacted IS NOT NULL",
    "an account with a name that it can't have": "UPDATE accounts SET name = '5ann', key = '5ann' WHERE key = 'ann'",
    "an account that is not found by its name": "UPDATE accounts SET key = 'ANN' WHERE key = 'ann'",
    "an account without a role": "UPDATE accounts SET role = 'emperor'",
    "an account whose password can't be looked at": "UPDATE accounts SET credential = 'hash'",
    "a channel with a name that it can't have": "UPDATE channels SET name = 'tee', key = 'tee' WHERE key = '#tee'",
    "a channel that is not found by its name": "UPDATE channels SET key = '#Tee' WHERE key = '#tee'",
    "a channel that belongs to nobody who is there": "UPDATE channels SET founder = 5 WHERE key = '#tee'",
    "a channel that is open and closed at once": "UPDATE channels SET open_since = 5 WHERE key = '#tee'",
    "an entry of a list of a channel that is not there": "UPDATE channel_lists SET channel = 5 WHERE mode = 'b'",
    "a right of a channel that is not there": "UPDATE channel_access SET channel = 5",
    "a member of a channel that is not there": "UPDATE OR REPLACE channel_members SET channel = 5",
    "a right of an account that is not there": "UPDATE OR REPLACE channel_access SET account = 5",
    "a membership of an account that is not there": "INSERT INTO channel_members SELECT id, 5, 1, 0 FROM channels",
    "a device of an account that is not there": "INSERT INTO devices VALUES (5, 'phone', 1, 0)",
    "a read marker of an account that is not there": "INSERT INTO read_markers VALUES (5, 'ann', 1)",
    "a setting of an account that is not there": "INSERT INTO account_settings VALUES (5, 9, 0, '', '', '')",
    "an ignored person of an account that is not there": "INSERT INTO silenced VALUES (5, '*!*@*')",
    "a message's id of an account that is not there": "UPDATE client_ids SET account = 5",
    "a waiting message of an account that is not there": "UPDATE held SET account = 5",
    "metadata of nobody who is there": "INSERT INTO metadata VALUES (5, 'url', 'x')",
    "a certificate of an account that is not there": "UPDATE certificates SET account = 5",
    "a certificate that is not found by its fingerprint": "UPDATE certificates SET der = x'00'",
    "an invite code with more uses than it had": "UPDATE invite_codes SET left = 9",
    "an invite code of an account that is not there": "UPDATE invite_codes SET account = 5 WHERE account != 0",
    "a retired name that is not found": "UPDATE retired_names SET key = 'Gone' WHERE key = 'gone'",
    "a ban of a kind that there is not": "UPDATE server_bans SET kind = 'planet'",
    "a ban that is not found by its mask": "UPDATE server_bans SET key = 'Spam' WHERE key = 'spam'",
    "a waiting message that is not there": "UPDATE held SET stamp = stamp + 1",
    "a message's id of a message that is not there": "UPDATE client_ids SET stamp = stamp + 1",
    "a text that waits to be erased, of a message that was not taken back": ("UPDATE log SET redacted = NULL; "),
    "a place in a channel of a row that is not there": "UPDATE log_channels SET stamp = stamp + 1",
    "not one note of the last transaction": "DELETE FROM committed",
    "a key of guests that is none": "UPDATE host_key SET key = x'00'",
}


def test_every_rule_is_broken_here() -> None:
    assert sorted(BREAKING) == sorted(sentence for sentence, _ in (*LOG_RULES, *TABLE_RULES))


@pytest.mark.parametrize("sentence", BREAKING)
def test_what_a_row_can_not_say(data: DataDir, sentence: str) -> None:
    with changing(data.database) as connection:
        before = connection.total_changes
        connection.execute(BREAKING[sentence])
        assert connection.total_changes > before
    assert any(sentence in line for line in wrong(data)), wrong(data)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *[(8, text) for text in ("", "bob", "5bob away", " away")],
        *[(9, text) for text in ("", "+", "+X", "+o", "+o bob bob", "bob")],
        *[(10, text) for text in ("", "#tee", "tee German")],
        *[(11, text) for text in ("", "0chrrxsg001xr", "0chrrxsg001x reason", "u reason")],
    ],
)
def test_texts_that_a_row_can_not_have(data: DataDir, kind: int, text: str) -> None:
    with changing(data.database) as connection:
        assert connection.execute("UPDATE log SET text = ? WHERE kind = ?", (text, kind)).rowcount
    assert ["with a text that it can't have" in line for line in wrong(data)] == [True]


def test_only_some_are_named(data: DataDir) -> None:
    with changing(data.database) as connection:
        connection.execute("UPDATE accounts SET role = char(27) || 'x', name = name || char(27)")
    (first, *_) = [line for line in wrong(data) if "without a role" in line]
    assert first.endswith(" and 2 more")
    assert "\x1b" not in first


def test_a_text_that_is_none(data: DataDir) -> None:
    with changing(data.database) as connection:
        connection.execute("UPDATE log SET text = CAST(x'ff' AS TEXT) WHERE kind = 7")
    assert any("can't be read" in line for line in wrong(data))


def test_a_chat_that_can_not_be_made(data: DataDir) -> None:
    with changing(data.database) as connection:
        connection.execute("UPDATE channel_lists SET mode = 'q' WHERE mode = 'b'")
    assert wrong(data) == ["it can't be made of the tables: 'q' is not a list of a channel"]


def test_times(data: DataDir) -> None:
    with changing(data.database) as connection:
        (last,) = connection.execute("SELECT max(stamp) FROM log").fetchone()
        assert milliseconds(last) < NOW
        day = 86_400_000
        connection.execute(
            "INSERT INTO log SELECT ?, 32, NULL, NULL, '', '', NULL, '', '', 0, NULL", (stamp_at(NOW + day),)
        )
    assert wrong(data) == []
    with changing(data.database) as connection:
        connection.execute("UPDATE log SET stamp = ? WHERE stamp > ?", (stamp_at(NOW + 2 * day), last))
        connection.execute("UPDATE log SET stamp = -5 WHERE stamp = (SELECT min(stamp) FROM log)")
    older, newer = wrong(data)
    assert "older than any server of ours" in older
    assert "from the future, 2027-01-17T08:00:00.000Z" in newer


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DROP INDEX log_sent", "there is no log_sent"),
        ("DROP TABLE erased; CREATE TABLE erased (stamp)", "erased does not have the columns that it should"),
        ("CREATE TABLE mine (a)", "mine is none of ours"),
        ("DROP INDEX log_sent; CREATE INDEX log_sent ON log (kind)", "log_sent does not have the columns"),
    ],
)
def test_tables(data: DataDir, statement: str, sentence: str) -> None:
    with changing(data.database) as connection:
        connection.executescript(statement)
    assert any(line.startswith(sentence) for line in wrong(data))


def test_files_that_others_can_read(data: DataDir) -> None:
    index(data).close()
    data.path.chmod(0o750)  # which is allowed
    assert wrong(data) == []
    data.path.chmod(0o755)
    data.search.chmod(0o620)
    data.lock_file.chmod(0o604)
    assert wrong(data) == [
        f"others may look into the directory {data.path}: chmod 700 it",
        f"others may read or write {data.lock_file}: chmod 600 it",
        f"others may read or write {data.search}: chmod 600 it",
    ]


def damage(path: Path, table: str) -> None:
    with changing(path) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xaa" * size)


@pytest.mark.parametrize("table", ["silenced", "log", "log_speech"])
def test_a_damaged_page(data: DataDir, table: str) -> None:
    damage(data.database, table)
    found = list(check(data))
    assert [one.what for one in found] == ["files", "pages"]
    assert found[1].wrong


def test_a_damaged_page_of_the_first_ones(data: DataDir) -> None:
    with data.database.open("r+b") as file:
        file.seek(100)
        file.write(b"\xaa" * 900)
    with pytest.raises(DamagedError, match="it is damaged"):
        list(check(data))


def test_what_can_not_be_looked_at(data: DataDir, tmp_path: Path) -> None:
    with pytest.raises(WrongStoreError, match="does not exist"):
        list(check(DataDir(tmp_path / "nowhere")))
    assert not (tmp_path / "nowhere").exists()
    shutil.copyfile(FILES / "schema-3.db", data.database)
    with pytest.raises(WrongStoreError, match="start its server once"):
        list(check(data))


# -- the search index --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE parts SET last = first - 1 WHERE id = 2", "part 2 is not in its place"),
        ("UPDATE parts SET first = (SELECT first FROM parts WHERE id = 1)", "part 2 is not in its place"),
        ("UPDATE parts SET id = 7 WHERE id = 2", "part 7 is not there"),
        ("UPDATE parts SET messages = messages - 1", "it has 11 messages, and should have 13"),
        ("UPDATE state SET indexed = indexed << 1", "it has come further than the log: it is another store's"),
        ("DELETE FROM state", "it does not say how far it has come"),
        ("UPDATE part_1_data SET block = zeroblob(length(block)) WHERE id > 10", "part 1 is damaged"),
        ("DROP TABLE parts", "can't read"),
    ],
)
def test_a_search_index_that_is_wrong(data: DataDir, statement: str, sentence: str) -> None:
    index(data).close()
    with changing(data.search) as connection:
        connection.execute(statement)
    found, *more, last = wrong(data)
    assert sentence in found
    assert not more or "part" in more[0]
    assert last == f"nothing else needs it: stop the server, remove {data.search}, and start it again"


def test_a_search_index_that_is_none(data: DataDir) -> None:
    data.search.touch(0o600)
    data.search.write_bytes(b"no index " * 1000)
    found, _ = wrong(data)
    assert "is no SQLite database" in found


# -- compact -----------------------------------------------------------------------------------------------------------


def test_what_is_free_is_given_back(data: DataDir) -> None:
    with changing(data.database) as connection:
        rows = connection.execute("SELECT * FROM log ORDER BY stamp").fetchall()
        last = rows[-1][0]
        connection.executemany(
            "INSERT INTO log VALUES (?, 1, 5, 9, 'a!b@c', '#gone', NULL, ?, '', 0, NULL)",
            [(last + number, "x" * 300) for number in range(1, 3000)],
        )
        connection.execute("DELETE FROM log WHERE stamp > ?", (last,))
    with data.lock():
        before, after = compact(data)
    assert after < 100_000 < before
    assert data.database.stat().st_size == after
    assert wrong(data) == []
    with changing(data.database) as connection:
        assert connection.execute("SELECT * FROM log ORDER BY stamp").fetchall() == rows
