"""Whom a ban of the server keeps out: an account or a network, and until when."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securechat.chat.events import Banned, Unbanned
from securechat.chat.machine import Chat
from securechat.chat.model import BanKind, ServerBan
from securechat.chat.operators import MAX_EXPIRED
from securechat.chat.refusals import Reason
from securechat.chat.requests import AddBan
from securechat.chat.server_bans import ban_of, network_of
from tests.chat.room import GUESTS, Room


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        ("192.0.2.1/24", "192.0.2.0/24"),
        ("192.0.2.1/255.255.255.0", "192.0.2.0/24"),
        ("2001:DB8::1", "2001:db8::1/128"),
        ("2001:db8:0:0::/32", "2001:db8::/32"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("::ffff:192.0.2.1/120", "192.0.2.0/24"),
        ("::ffff:0:0/95", "::fffe:0:0/95"),
    ],
)
def test_what_an_operator_writes_is_one_network(text: str, network: str) -> None:
    assert str(network_of(text)) == network
    assert str(network_of(network)) == network


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.0/33",
        "1",
        "fe80::1%eth0",
        "fe80::1%eth0/64",
        "::/129",
        "host.example",
    ],
)
def test_what_is_no_network(text: str) -> None:
    assert network_of(text) is None
    Room().refused(
        AddBan(None, BanKind.NETWORK, text, ""), Reason.BAD_BAN, text, "This is neither an address nor a network"
    )


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "1.2.3.4/0", "::ffff:0:0/96"])
def test_not_everybody_is_banned(text: str) -> None:
    Room().refused(AddBan(None, BanKind.NETWORK, text, ""), Reason.BAD_BAN, text, "This is everybody")


@pytest.mark.parametrize(
    ("mask", "inside", "outside"),
    [
        ("192.0.2.1", ["192.0.2.1", "::ffff:192.0.2.1"], ["192.0.2.2", "::c000:201"]),
        ("192.0.2.0/24", ["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.7"], ["192.0.3.0", "2001:db8::1"]),
        ("::ffff:192.0.2.0/120", ["192.0.2.3"], ["192.0.3.3"]),
        ("2001:db8::/32", ["2001:db8::1", "2001:DB8:ffff::", "2001:db8::1%eth0"], ["2001:db9::1", "192.0.2.1"]),
        ("128.0.0.0/1", ["192.0.2.1"], ["127.0.0.1"]),
        ("fe80::/10", ["fe80::1%eth0"], ["::1"]),
    ],
)
def test_a_network_keeps_out_who_comes_from_it(mask: str, inside: list[str], outside: list[str]) -> None:
    room = Room(GUESTS)
    ann = room.account("ann")
    room.do(AddBan(None, BanKind.NETWORK, mask, "spam"))
    for address in inside:
        for request in (room.login(ann), room.visit("guest")):
            request.address = address
            room.refused(request, Reason.BANNED_FROM_SERVER, "spam")
    for address in (*outside, "", "somewhere"):
        request = room.login(ann)
        request.address = address
        room.do(request)


def test_a_ban_ends_with_its_time() -> None:
    room = Room()
    ann = room.account("ann")
    room.do(AddBan(None, BanKind.ACCOUNT, "ann", "spam", until=room.stamp + 50))
    room.do(AddBan(None, BanKind.NETWORK, "192.0.2.0/24", "spam", until=room.stamp + 50))
    chat, end = room.chat, room.stamp + 34
    assert ban_of(chat, end - 1, None, "192.0.2.1") is not None
    assert ban_of(chat, end + 16, None, "192.0.2.1") is None
    room.refused(room.login(ann), Reason.BANNED_FROM_SERVER, "spam")
    while room.stamp < end:
        room.refused(
            AddBan(None, BanKind.NETWORK, "x", ""), Reason.BAD_BAN, "x", "This is neither an address nor a network"
        )
    room.enter(ann)


def test_a_ban_that_has_ended_does_not_hide_one_of_a_greater_network() -> None:
    room = Room(GUESTS)
    room.do(AddBan(None, BanKind.NETWORK, "192.0.2.1", "old", until=1))
    room.do(AddBan(None, BanKind.NETWORK, "192.0.0.0/16", "new"))
    visit = room.visit("guest")
    visit.address = "192.0.2.1"
    room.refused(visit, Reason.BANNED_FROM_SERVER, "new")


def test_the_smallest_network_gives_the_reason() -> None:
    room = Room(GUESTS)
    for mask in ("192.0.0.0/16", "192.0.2.0/24", "192.0.2.0/23"):
        room.do(AddBan(None, BanKind.NETWORK, mask, mask))
    assert getattr(ban_of(room.chat, room.stamp, None, "192.0.2.1"), "reason", None) == "192.0.2.0/24"


_addresses = st.ip_addresses()
_networks = st.builds(
    lambda address, length: (
        ip_network((int(address), min(length, address.max_prefixlen)), strict=False)
        if address.version == 6
        else ip_network(f"{address}/{min(length, 32)}", strict=False)
    ),
    _addresses,
    st.integers(1, 128),
)


@given(st.lists(_networks, max_size=5), _addresses, st.integers(0, 5))
def test_looking_up_finds_what_going_through_all_finds(networks: list[object], address: object, near: int) -> None:
    """However many bans there are, an address is looked up as often as it has bits."""
    texts = [str(network_of(str(network))) for network in networks]
    bans = {text: ServerBan(BanKind.NETWORK, text, text, "", 1) for text in texts}
    where = str(address)
    if networks and near:  # one that is inside
        where = str(ip_network(texts[near % len(texts)]).network_address)
    found = ban_of(Chat(bans=bans.values()), 5, None, where)
    real = ip_address(where)
    real = getattr(real, "ipv4_mapped", None) or real
    expected = [text for text in texts if real in ip_network(text)]
    longest = max(expected, key=lambda text: ip_network(text).prefixlen, default=None)
    assert (found.mask if found else None) == longest


def test_bans_that_have_ended_go_with_a_new_one() -> None:
    room = Room()
    for number in range(MAX_EXPIRED + 2):
        room.do(AddBan(None, BanKind.ACCOUNT, f"old{number}", "", until=room.stamp + 100_000))
    room.stamp += 200_000
    *gone, banned = room.do(AddBan(None, BanKind.ACCOUNT, "new", ""))
    assert [event.ban.mask for event in gone if isinstance(event, Unbanned)] == [f"old{n}" for n in range(MAX_EXPIRED)]
    assert isinstance(banned, Banned)
    room.do(AddBan(None, BanKind.ACCOUNT, "old9", "again"))
    assert [ban.mask for ban in room.chat.bans.values()] == ["new", "old9"]
