"""Invite codes for tests, made as the operator makes them."""

from securechat.chat.model import InviteCode
from securechat.chat.requests import MakeInviteCode
from securechat.server.invitations import digest_of, end_in, new_code
from tests.server.wire import Client, House, Opener


def code_for(
    house: House, name: str = "", *, admin: bool = False, uses: int = 1, seconds: int = 3600, reset: bool = False
) -> str:
    """A code that is good for so long; one of negative seconds has expired."""
    code, digest = new_code()
    house.do(MakeInviteCode(None, digest, name, admin, uses, end_in(house.hub, seconds), reset))
    return code


def state(house: House, code: str) -> InviteCode:
    return house.hub.chat.invite_codes[digest_of(code)]


def invited(opened: Opener, nick: str, code: str) -> Client:
    """Who has a nick and has shown a code, and is not registered yet."""
    client = opened.stranger()
    client.ask("CAP LS 302", f"PASS invite:{code}", f"NICK {nick}")
    return client
