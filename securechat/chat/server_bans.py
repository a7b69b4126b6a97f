"""The bans of the server: whom they keep out, by account or by network."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from securechat.chat.model import Account, BanKind, ServerBan
from securechat.chat.refusals import Reason, Refused
from securechat.irc.names import casefold

if TYPE_CHECKING:
    from securechat.chat.machine import Chat

__all__ = ["ban_of", "check_not_banned", "covers", "network_of"]


_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network

_MAPPED = IPv6Network("::ffff:0:0/96")
"""IPv4 addresses, as they look to a socket that takes both kinds."""


def network_of(text: str) -> _Network | None:
    """The network that an operator means by an address or ``address/length``; ``None``: it is neither."""
    if "%" in text:  # names an interface of this machine: no place in the network
        return None
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, network.prefixlen - 96))
    return network


def _address(text: str) -> _Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _networks_with(address: _Address) -> Iterator[_Network]:
    """All networks that it is in, the smallest first."""
    number, bits = int(address), address.max_prefixlen
    kind = IPv4Network if isinstance(address, IPv4Address) else IPv6Network
    for length in range(bits, 0, -1):
        unused = bits - length
        yield kind((number >> unused << unused, length))


def ban_of(chat: Chat, stamp: int, account: str | None, address: str) -> ServerBan | None:
    """The ban that keeps somebody out at the time of the stamp, if any does."""
    if not chat.bans:
        return None
    if account is not None:
        ban = chat.bans.get((BanKind.ACCOUNT, casefold(account)))
        if ban is not None and _in_force(ban, stamp):
            return ban
    where = _address(address)
    if where is None:
        return None
    for network in _networks_with(where):  # as many as an address has bits, however many bans there are
        ban = chat.bans.get((BanKind.NETWORK, str(network)))
        if ban is not None and _in_force(ban, stamp):
            return ban
    return None


def _in_force(ban: ServerBan, stamp: int) -> bool:
    return ban.until is None or stamp < ban.until


def covers(ban: ServerBan, address: str) -> bool:
    """Whether the ban of a network is about who comes from this address."""
    network, where = network_of(ban.mask), _address(address)
    return network is not None and where is not None and where.version == network.version and where in network


def check_not_banned(chat: Chat, stamp: int, account: Account | None, address: str) -> None:
    """Raises :class:`Refused` for who is banned, with the reason that the operator gave."""
    ban = ban_of(chat, stamp, account.name if account else None, address)
    if ban is not None:
        raise Refused(Reason.BANNED_FROM_SERVER, ban.reason)
