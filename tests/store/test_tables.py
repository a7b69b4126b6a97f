"""What lasts is found again as it was, in the order in which it was, and nothing else."""

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from securechat.chat.machine import Chat
from securechat.chat.model import BanKind
from securechat.chat.requests import AddBan, Arrive, ClearMetadata, Join, SetMetadata, SetModes, SetOwner, Silence
from securechat.irc.modes import ModeChange
from securechat.store.database import Database, StoreUnusable
from securechat.store.schema import SCHEMA
from securechat.store.tables import load, rewrite_tables
from tests.store.kinds import modes
from tests.store.shop import ANN, BOB, Shop, Table, lasting, look, tables, tables_of

GUEST = 3


def test_orders_are_kept(table: Table, path: Path) -> None:
    """Of masks, keys and bans: what is set again keeps its place, what was gone or is replaced comes last."""
    table.do(
        modes(ANN, "#tea", "+b c!*@*", "+b a!*@*", "+b b!*@*", "+e z!*@*", "+e y!*@*"),
        modes(ANN, "#tea", "-b c!*@*", "+b C!*@*", "+b a!*@*"),
        *(SetMetadata(ANN, target, key, "1") for target in ("*", "#tea") for key in "cab"),
        *(SetMetadata(ANN, target, "c", "2") for target in ("*", "#tea")),
        *(SetMetadata(ANN, target, "a", value) for target in ("*", "#tea") for value in (None, "3")),
        *(Silence(ANN, True, f"{name}!*@*") for name in "cab"),
        *(Silence(ANN, adding, "c!*@*") for adding in (False, True)),
        *(AddBan(None, BanKind.ACCOUNT, name, "go") for name in ("c", "a", "b", "c")),
    )
    ann = table.chat.accounts["ann"].id
    for chat in (table.chat, found_in(path)):
        tea = chat.channels["#tea"]
        assert list(tea.lists["b"]) == ["a!*@*", "b!*@*", "c!*@*"]
        assert [entry.text for entry in tea.lists["b"].values()] == ["a!*@*", "b!*@*", "C!*@*"]
        assert list(tea.lists["e"]) == ["z!*@*", "y!*@*"]
        assert list(tea.metadata.items()) == list(chat.metadata[ann].items()) == [("c", "2"), ("b", "1"), ("a", "3")]
        assert list(chat.silenced[ann]) == ["a!*@*", "b!*@*", "c!*@*"]
        assert [ban.mask for ban in chat.bans.values()] == ["a", "b", "c"]
        assert tea.restricted


def found_in(path: Path) -> Chat:
    with look(path) as (chat, _, _):
        return chat


def test_a_ban_is_found_by_its_mask_however_it_is_written(table: Table, path: Path) -> None:
    table.do(AddBan(None, BanKind.ACCOUNT, "Spam", "go"))
    assert found_in(path).bans.keys() == table.chat.bans.keys() == {(BanKind.ACCOUNT, "spam")}


def test_the_same_mask_comes_and_goes_in_one_request(table: Table) -> None:
    """In every order: the table has what the channel has."""
    mask = "a!*@*"
    for number in range(2**4):
        changes = tuple(ModeChange(bool(number >> place & 1), "b", mask) for place in range(4))
        table.do(SetModes(ANN, "#tea", changes))
        table.check()


def test_what_a_guest_has_set_goes_with_the_guest(table: Table, path: Path) -> None:
    """And what is set in a channel that does not last, until it does."""
    table.do(
        Arrive(GUEST, "guest", "~g", "h", "r"),
        Join(GUEST, "#fun"),
        SetMetadata(GUEST, "*", "url", "x"),
        Silence(GUEST, True, "*!*@spam"),
        SetMetadata(GUEST, "#fun", "url", "x"),
        modes(GUEST, "#fun", "+b *!*@spam", "+k sesame"),
    )
    table.check()
    chat = found_in(path)
    assert "#fun" not in chat.channels
    assert not chat.metadata
    assert not chat.silenced
    table.do(Join(BOB, "#fun", "sesame"), SetOwner(GUEST, "#fun", "bob"))
    table.check()
    fun = found_in(path).channels["#fun"]
    assert (fun.join_key, list(fun.lists["b"]), fun.metadata) == ("sesame", ["*!*@spam"], {"url": "x"})
    table.do(ClearMetadata(GUEST, "#fun"), modes(GUEST, "#fun", "-k *", "-b *!*@spam"), SetOwner(BOB, "#fun", None))
    table.check()
    assert "#fun" not in found_in(path).channels


def test_the_tables_are_written_anew_from_a_chat(new_shop: Callable[[], Shop]) -> None:
    """Whatever they held."""
    shop = new_shop()
    full = tables_of(shop.chat)
    assert all(full.values()), "there is something of everything"
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(SCHEMA)
        for chat in (shop.chat, shop.chat, Chat()):
            connection.execute("DELETE FROM client_ids")  # which are added to
            for statement, parameters in rewrite_tables(chat):
                connection.execute(statement, parameters)
            assert lasting(load(connection)) == lasting(chat) | {"held": {}}
        assert not any(tables(connection).values())


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("INSERT INTO channel_lists SELECT id, 'q', '*!*@*', 'x', 1 FROM channels", "'q' is not a list of a channel"),
        ("INSERT INTO server_bans VALUES ('colour', 'red', 'red', '', '', 1, NULL)", "'colour' is not a valid BanKind"),
    ],
)
def test_what_no_program_of_ours_has_written(table: Table, path: Path, statement: str, why: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)
    with contextlib.closing(Database(path)) as database, pytest.raises(StoreUnusable, match=f"can't be read: {why}"):
        database.load()
