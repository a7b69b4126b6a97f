"""What a server finds that starts after another one: who was there, and what their devices have seen."""

from collections.abc import Iterator

import pytest

from securechat.chat.events import Arrived, Started
from securechat.chat.model import Rules
from securechat.chat.requests import (
    Collect,
    Depart,
    ForgetIds,
    Join,
    MarkRead,
    Part,
    Say,
    SetAlwaysOn,
    SetOwner,
    Start,
)
from securechat.chat.stamps import EPOCH_MS
from tests.store.disk import BROKEN
from tests.store.kinds import modes
from tests.store.shop import ANN, BOB, Shop, Table, after_a_start, hello

EVE = 3


@pytest.fixture
def shops() -> Iterator[list[Shop]]:
    shops: list[Shop] = []
    yield shops
    for shop in shops:
        shop.database.close()


def _again(shop: Shop, shops: list[Shop], *, seen: int = 0) -> Shop:
    """The next server; the last one ended without a word. The chat is what the last one's would be after a start."""
    shop.database.close()
    again = Shop(shop.path)
    shops.append(again)
    again.shown, again.told = shop.shown.copy(), shop.told.copy()
    start = Start(Rules(guests=True), seen)
    again.do(start)
    again.check()
    (stamp, _) = again.told[-1]
    shop.chat.apply(stamp, start)
    assert after_a_start(again.chat) == after_a_start(shop.chat)
    return again


def _come(shop: Shop, session: int, name: str, device: str = "") -> Arrived:
    shop.do(shop.login(session, name, device))
    arrived = [event for event in shop.shown if isinstance(event, Arrived)][-1]
    if arrived.missed_since is not None:
        shop.do(Collect(session, arrived.stamp))
    return arrived


def test_channels_are_remembered(table: Table, shops: list[Shop]) -> None:
    table.do(Join(BOB, "#pub"), Join(ANN, "#pub"), Join(ANN, "#lobby"), Part(ANN, "#tea"), modes(BOB, "#pub", "+i"))
    second = _again(table, shops)
    arrived = _come(second, ANN, "ann")
    assert sorted(view.name for view in arrived.channels) == ["#lobby", "#pub"]
    second.do(Depart(ANN, "gone"))
    third = _again(second, shops)
    assert sorted(view.name for view in _come(third, ANN, "ann").channels) == ["#lobby", "#pub"]


def test_rights_to_read_are_kept(table: Table, shops: list[Shop]) -> None:
    table.do(modes(ANN, "#tea", "+s"), table.login(EVE, "eve"))
    table.do(Join(EVE, "#tea"))
    joined = table.shown[-1].stamp
    table.do(Part(EVE, "#tea"))
    again = _again(table, shops)
    _come(again, EVE, "eve")
    again.do(Join(EVE, "#tea"))
    tea = again.chat.channels["#tea"]
    assert tea.open_since is None
    assert tea.reads_from(again.chat.sessions[EVE]) == joined
    _come(again, ANN, "ann")
    again.do(modes(ANN, "#tea", "-s"))
    opened = again.shown[-1].stamp
    again.check()
    assert _again(again, shops).chat.channels["#tea"].open_since == opened


def test_who_is_always_on_is_there_but_not_where_they_are_banned(table: Table, shops: list[Shop]) -> None:
    """That is written down: when the ban has gone they are not in it all the same."""
    table.do(SetAlwaysOn(BOB, True), Join(BOB, "#lobby"), modes(ANN, "#tea", "+b bob"), Depart(BOB, "gone"))
    second = _again(table, shops)
    assert second.chat.users["bob"].channels.keys() == {"#lobby"}
    (started,) = [event for event in second.shown if isinstance(event, Started)][-1:]
    assert started.forgotten == ((second.chat.accounts["bob"].id, second.chat.channels["#tea"].id),)
    _come(second, ANN, "ann")
    second.do(modes(ANN, "#tea", "-b bob"))
    second.check()
    assert _again(second, shops).chat.users["bob"].channels.keys() == {"#lobby"}


def test_nor_is_who_found_the_ban_when_they_came(table: Table, shops: list[Shop]) -> None:
    table.do(modes(ANN, "#tea", "+b bob"), Depart(BOB, "gone"), table.login(BOB, "bob"), modes(ANN, "#tea", "-b bob"))
    assert _come(_again(table, shops), BOB, "bob").channels == ()


def test_devices_that_were_there_have_seen_what_is_certain(table: Table, shops: list[Shop]) -> None:
    _come(table, EVE, "eve", "phone")
    table.do(hello(ANN, "one"))
    seen = table.shown[-1].stamp
    table.do(hello(ANN, "two"))
    second = _again(table, shops, seen=seen)
    arrived = _come(second, EVE, "eve", "phone")
    assert arrived.missed_since == seen
    second.do(Depart(EVE, "gone"))
    gone = second.shown[-1].stamp
    third = _again(second, shops, seen=gone + 10)
    assert third.chat.devices[third.chat.accounts["eve"].id]["phone"] <= gone, "it was not there any more"


def test_a_device_that_was_being_shown_what_it_missed_is_shown_it_again(table: Table, shops: list[Shop]) -> None:
    _come(table, EVE, "eve", "phone")
    table.do(Depart(EVE, "gone"))
    gone = table.chat.devices[table.chat.accounts["eve"].id]["phone"]
    table.do(table.login(EVE, "eve", "phone"), hello(ANN))
    second = _again(table, shops, seen=table.shown[-1].stamp)
    assert _come(second, EVE, "eve", "phone").missed_since == gone


def test_what_was_owed_is_lost_with_the_server_and_shown_again(table: Table, shops: list[Shop]) -> None:
    """While the disk fails, who comes and goes is not in the file: so of Eve that she was there, and of Bob not that he
    has gone."""
    _come(table, EVE, "eve")
    table.do(Depart(EVE, "gone"))
    gone = table.chat.devices[table.chat.accounts["eve"].id][""]
    table.do(hello(ANN))
    seen = table.shown[-1].stamp
    table.disk.fail(0, BROKEN)
    table.do(Depart(BOB, "gone"))
    table.do(table.login(EVE, "eve"))
    table.database.close()
    again = Shop(table.path)
    shops.append(again)
    again.do(Start(Rules(guests=True), seen))
    assert _come(again, EVE, "eve").missed_since == gone
    assert _come(again, BOB, "bob").missed_since == seen


def test_ids_of_messages_are_kept(table: Table, shops: list[Shop]) -> None:
    say = Say(ANN, "PRIVMSG", "#tea", "once", client_id="a")
    table.do(say, Say(ANN, "PRIVMSG", "bob", "once", client_id="b"))
    second = _again(table, shops)
    _come(second, ANN, "ann")
    shown = len(second.shown)
    second.do(say)
    assert [type(event).__name__ for event in second.shown[shown:]] == ["SaidBefore"]
    second.do(ForgetIds(second.shown[-1].stamp))
    assert not _again(second, shops).chat.client_ids


def test_what_was_read_is_kept(table: Table, shops: list[Shop]) -> None:
    table.do(MarkRead(ANN, "#tea", EPOCH_MS + 5), MarkRead(ANN, "bob", EPOCH_MS + 6), MarkRead(ANN, "#tea", EPOCH_MS))
    again = _again(table, shops)
    _come(again, ANN, "ann")
    assert sorted(again.chat.sessions[ANN].markers.values()) == [EPOCH_MS + 5, EPOCH_MS + 6]


def test_a_channel_that_was_given_up_is_not(table: Table, shops: list[Shop]) -> None:
    table.do(SetOwner(ANN, "#tea", None))
    assert not _again(table, shops).chat.remembered


def test_one_that_was_given_to_somebody_again_is(table: Table, shops: list[Shop]) -> None:
    table.do(SetOwner(ANN, "#tea", None), Depart(BOB, "gone"), SetOwner(ANN, "#tea", "ann"))
    again = _again(table, shops)
    assert [view.name for view in _come(again, BOB, "bob").channels] == ["#tea"]
