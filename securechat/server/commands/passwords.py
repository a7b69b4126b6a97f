"""PASSWD: a new password for one's own account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from securechat.chat.machine import Chat
from securechat.chat.model import Account
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import SetPassword
from securechat.irc.errors import PieceError
from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.irc.standard_replies import Code, fail, note
from securechat.server.commands.command import Command, When
from securechat.server.commands.series import gather
from securechat.server.hashing import LINES_FOR_A_HASH, GaveUp, ThrottledError, check, new_credentials
from securechat.server.issued import issued_to
from securechat.server.password_rules import objection_to
from securechat.server.replies import refusal
from securechat.store.passwords import MAX_PASSWORD, BrokenHashError

if TYPE_CHECKING:
    from securechat.server.session import Session

_BOTH: Final = 2 * MAX_PASSWORD + 1
"""Bytes of an old password, a NUL and a new one."""


def passwd(session: Session, message: Message) -> None:
    """``PASSWD <old> <new>``; or ``PASSWD <piece>``, whose pieces together are the old one, a NUL and the new one.

    In the first form the old one can hold no space and not begin with a colon, and neither can be longer than a line.
    Who has logged in need not be on the chat: nobody there is to see somebody come and go who does no more than that.
    """
    if not session.registered and session.account is None:
        session.reply(message, [session.numeric(Numeric.ERR_NOTREGISTERED)])
        return
    given = _given(session, message)
    if given is None:
        return
    old, new = given
    account = session.account
    account = session.hub.chat.accounts.get(casefold(account.name)) if account is not None else None
    if account is None:
        _refuse(session, message, Code.ACCOUNT_REQUIRED, "Only accounts have passwords: log in first")
        return
    objection = objection_to(new, account.name, session.hub.config.limits.min_password_length)
    if objection is not None:
        _refuse(session, message, objection.code, objection.sentence)
        return
    try:
        _change(session, message, account, old, new)
    except GaveUp:
        pass
    except ThrottledError:
        _refuse(session, message, Code.TEMPORARILY_UNAVAILABLE, "Too many passwords were wrong; try again in a minute")


def _given(session: Session, message: Message) -> tuple[str, str] | None:
    """The old password and the new one; ``None``: they are not both here, and the line has been answered."""
    params = message.params
    if len(params) != 1:
        session.series = None
    if len(params) == 2:
        return params[0], params[1]
    if len(params) > 2:  # what was meant to be one password was not sent as one
        _refuse(session, message, Code.INVALID_PARAMS, "A password with spaces needs a colon in front of it, or Base64")
        return None
    try:
        both = gather(session, "PASSWD", params[0], _BOTH)
    except PieceError as error:
        _refuse(session, message, Code.INVALID_PARAMS, str(error))
        return None
    if both is None:
        session.reply(message, [])
        return None
    old, nul, new = both.partition(b"\0")
    try:
        if nul:
            return old.decode(), new.decode()
    except UnicodeDecodeError:
        pass  # it has them in it, so nothing is answered where it would be chained to what goes wrong there
    _refuse(session, message, Code.INVALID_PARAMS, "That is not an old password, a NUL and a new password, in UTF-8")
    return None


def _change(session: Session, message: Message, account: Account, old: str, new: str) -> None:
    """Raises `GaveUp` and `ThrottledError`."""
    hub = session.hub

    def right() -> bool:
        try:
            return hub.hasher.verify_in_turn(old, account.credential)
        except BrokenHashError as error:
            hub.on_error("an account's hash is broken", error)
            return False

    session.charge(LINES_FOR_A_HASH)
    if not check(session, "PASSWD", "PASSWD", account.name, right, shown=account.name):
        _refuse(session, message, Code.INVALID_CREDENTIALS)
        return
    credential, verifier = new_credentials(session, "PASSWD", new)
    request = SetPassword(account.name, credential, session.number, verifier, verified=account.credential_set)
    outcome, (changed, registered) = session.do(
        request, lambda chat: (chat.accounts_by_id.get(account.id), _registered(chat, account))
    )
    if not isinstance(outcome, Refusal):
        session.account = changed or account
        hub.log.info("password changed", session=session.number, address=session.address, account=account.name)
        certificates = registered + _issued(session, account)
        context = (str(certificates),) if certificates else ()
        session.reply(message, [session.answer(note(Code.CHANGED, "PASSWD", *context))])
    elif outcome.reason in (Reason.ACCOUNT_CHANGED, Reason.ACCOUNT_DISABLED, Reason.NO_SUCH_ACCOUNT):
        words = "Your account was changed meanwhile; log in anew"
        _refuse(session, message, Code.TEMPORARILY_UNAVAILABLE, words)
    else:
        session.reply(message, [session.answer(refusal(outcome, "PASSWD"))])


def _registered(chat: Chat, account: Account) -> int:
    return sum(entry.account_id == account.id for entry in chat.certificates.values())


def _issued(session: Session, account: Account) -> int:
    """How many certificates log the account in besides, which a new password does not change."""
    issued, unread = issued_to(session.hub, account)
    if unread is not None:
        session.hub.on_error("certificates that were signed can't be read", unread)
    return len(issued)


def _refuse(session: Session, message: Message, code: Code, words: str | None = None) -> None:
    session.reply(message, [session.answer(fail(code, "PASSWD", description=words))])


COMMANDS = (
    Command("PASSWD", passwd, "<old password> <new password>",
            "Changes the password of your account; your other connections have to log in again.", 1, When.ALWAYS),
)  # fmt: skip
