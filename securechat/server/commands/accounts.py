"""REGISTER and VERIFY: making an account of one's own, where the operator allows it (IRCv3 account-registration).

An account has a name and a password, and that is all there is to it. So an email address is looked at, since clients
that send none by mistake should hear of it, and then forgotten; and there is nothing to verify, so no code is the right
one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.model import Account
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import AddAccount, Registrant
from securechat.irc.errors import Answer
from securechat.irc.message import Message
from securechat.irc.names import MAX_NICK, casefold, valid_nick
from securechat.irc.split import fit
from securechat.irc.standard_replies import Code, StandardReply, fail
from securechat.server.authentication import LINES_FOR_A_HASH, MAX_DELAY
from securechat.server.commands.command import Command, When, carry_out
from securechat.server.replies import refusal
from securechat.store.passwords import HasherClosed, PasswordRefusedError, prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from securechat.server.session import Session

MAX_SHOWN = 2 * MAX_NICK
"""Bytes of a name that is repeated in an answer: enough to show that it is too long for one."""

_NAMES = f"A name has at most {MAX_NICK} letters, digits and -_[]\\^{{}}|`, with neither a digit nor a hyphen in front"


def register(session: Session, message: Message) -> None:
    """``REGISTER <account> {<email> | *} <password>``, before registration or after it."""
    if not session.hub.config.accounts.registration:
        carry_out(session, None, message)
    elif session.registered or session.registration.may_pass():
        refused = _refused(session, message.params)
        if refused is not None:
            session.reply(message, [session.answer(refused)])
        else:
            _register(session, message)


def verify(session: Session, message: Message) -> None:
    """``VERIFY <account> <code>``."""
    if not session.hub.config.accounts.registration:
        carry_out(session, None, message)
        return
    code = Code.ALREADY_AUTHENTICATED if session.account is not None else Code.INVALID_CODE
    session.reply(message, [session.answer(fail(code, "VERIFY", _shown(message.params[0])))])


def _shown(name: str) -> str:
    return fit(name, MAX_SHOWN)


def _wanted(session: Session, params: list[str]) -> str:
    return session.nick if params[0] == "*" else params[0]


def _refused(session: Session, params: list[str]) -> StandardReply | None:
    """What is wrong with a REGISTER as far as it can be said without the chat; ``None``: nothing."""
    config = session.hub.config
    name, email, password = _wanted(session, params), *params[1:3]

    def no(code: Code, description: str | None = None) -> StandardReply:
        return fail(code, "REGISTER", _shown(name), description=description)

    if session.nick == "*":
        return fail(Code.NEED_NICK, "REGISTER", "*")
    if session.account is not None:
        return no(Code.ALREADY_AUTHENTICATED)
    if not config.accounts.guests and casefold(name) != casefold(session.nick):
        return no(Code.ACCOUNT_NAME_MUST_BE_NICK)
    if not valid_nick(name):
        return no(Code.BAD_ACCOUNT_NAME, _NAMES)
    local, at, domain = email.rpartition("@")
    if email != "*" and not (local and at and domain):
        return no(Code.INVALID_EMAIL)
    if len(params) > 3:  # what was meant to be one password was not sent as one
        return no(Code.UNACCEPTABLE_PASSWORD, "A password with spaces needs a colon in front of it")
    if len(password) < config.limits.min_password_length:
        return no(Code.WEAK_PASSWORD, f"A password has at least {config.limits.min_password_length} characters")
    if casefold(password) == casefold(name):
        return no(Code.WEAK_PASSWORD)
    try:
        prepare(password)
    except PasswordRefusedError:
        return no(Code.UNACCEPTABLE_PASSWORD, "A password can't hold control characters")
    return None


def _register(session: Session, message: Message) -> None:
    hub = session.hub
    name = _wanted(session, message.params)
    by = Registrant(session.number, session.address, hub.host_of(session.address, name))

    def explain(refused: Refusal) -> Answer:
        match refused.reason:
            case Reason.ACCOUNT_EXISTS:
                return fail(Code.ACCOUNT_EXISTS, "REGISTER", name)
            case Reason.NICK_IN_USE:
                worn = "Somebody else wears this name as a nick"
                return fail(Code.BAD_ACCOUNT_NAME, "REGISTER", name, description=worn)
            case Reason.NOT_STORED:
                return _unavailable(name, f"Nothing was done, because {refused.context[0]}; try again later")
        return refusal(refused, "REGISTER")

    if casefold(name) in hub.chat.accounts:  # as it looks now: then it is not to cost a hash
        session.charge(LINES_FOR_A_HASH)  # or somebody could ask for one name after the other
        session.reply(message, [session.answer(explain(Refusal(Reason.ACCOUNT_EXISTS)))])
        return
    if not hub.registrations.admit(session.address, time.monotonic()):
        hub.log.warning("account registration throttled", session=session.number, address=session.address)
        many = "As many accounts were made from your address as may be for now; try again in an hour"
        session.reply(message, [session.answer(_unavailable(name, many))])
        return
    credential = _hash(session, message.params[2])
    if credential is None:
        session.reply(message, [session.answer(_unavailable(name))])
        return

    def ask(chat: Chat) -> tuple[Account, str] | None:
        """The account that was made, if it was, and how others see who made it."""
        account = chat.account_named(name)
        if account is None or account.credential != credential:
            return None
        user = chat.sessions.get(session.number)
        return account, user.source if user is not None else session.registration.mask_with(account.name)

    def render(made: tuple[Account, str] | None) -> Iterator[bytes]:
        if made is None:
            return iter(())
        account, mask = made
        success = session.line(f"REGISTER SUCCESS {account.name} :The account is yours")
        return iter((success, session.authentication.log_in(account, mask)))

    session.submit(message, (AddAccount(name, credential, by=by),), ask, render, explain)
    session.ask(lambda _: None)  # by then it is answered
    if session.account is not None:
        hub.log.info("account registered", session=session.number, address=session.address, account=name)


def _hash(session: Session, password: str) -> str | None:
    """The hash of a new password, made in the session's own thread; ``None`` where that can't be at the moment."""
    hub = session.hub
    begun = time.monotonic()
    session.charge(LINES_FOR_A_HASH)
    try:
        while True:
            # No account has this name, so no login counts against it; what counts is how many are under way.
            with hub.logins.attempt("register:", session.address, time.monotonic()) as attempt:
                if not attempt.wait:
                    with hub.cores.anywhere():
                        credential = hub.hasher.hash(password)
                    attempt.succeeded()
                    return credential
            if attempt.wait > MAX_DELAY or not session.pause(attempt.wait):
                return None
    except HasherClosed:
        session.end("The server is stopping")
        return None
    finally:
        session.registration.deadline += time.monotonic() - begun


def _unavailable(name: str, why: str | None = None) -> StandardReply:
    return fail(Code.TEMPORARILY_UNAVAILABLE, "REGISTER", name, description=why)


COMMANDS = (
    Command("REGISTER", register, "<account or *> <email or *> <password>",
            "Makes an account, where the server allows it; * is one with your nick as its name (IRCv3).", 3,
            When.ALWAYS),
    Command("VERIFY", verify, "<account> <code>", "Finishes what REGISTER began, on servers that send codes (IRCv3).",
            2, When.ALWAYS),
)  # fmt: skip
