"""REGISTER and VERIFY: making an account of one's own (IRCv3 account-registration).

Where the operator allows it anybody may; everywhere else those who come with the code of an invitation (``PASS
invite:CODE``), and nobody else. A code may also be for the account of somebody who has forgotten their password: then
REGISTER sets a new one.

An account has a name and a password, and that is all there is to it. So an email address is looked at, since clients
that send none by mistake should hear of it, and then forgotten; and there is nothing to verify, so no code is the right
one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.model import Account, InviteCode
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import AddAccount, LogIn, Registrant, SetPassword
from securechat.irc.errors import Answer
from securechat.irc.message import Message
from securechat.irc.names import MAX_NICK, casefold, valid_nick
from securechat.irc.split import fit
from securechat.irc.standard_replies import Code, fail
from securechat.server.commands.command import Command, When
from securechat.server.hashing import LINES_FOR_A_HASH, GaveUp, new_credentials
from securechat.server.invitations import NOT_GOOD, THROTTLED, TOO_MANY_WRONG, log_refused, log_used
from securechat.server.password_rules import objection_to
from securechat.server.replies import refusal
from securechat.store.passwords import PasswordRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from securechat.server.session import Session

MAX_SHOWN = 2 * MAX_NICK
"""Bytes of a name that is repeated in an answer: enough to show that it is too long for one."""

_NAMES = f"A name has at most {MAX_NICK} letters, digits and -_[]\\^{{}}|`, with neither a digit nor a hyphen in front"


def register(session: Session, message: Message) -> None:
    """``REGISTER <account> {<email> | *} <password>``, before registration or after it."""
    try:
        _register(session, message)
    except _RefusedError as error:
        session.reply(message, [session.answer(error.answer)])
    except GaveUp:
        pass  # there is nobody to answer
    else:
        if session.account is not None and not session.registered:
            session.registration.go_on(Message(message.command, []))  # its label has had its answer


def verify(session: Session, message: Message) -> None:
    """``VERIFY <account> <code>``."""
    code = Code.ALREADY_AUTHENTICATED if session.account is not None else Code.INVALID_CODE
    session.reply(message, [session.answer(fail(code, "VERIFY", _shown(message.params[0])))])


class _RefusedError(Exception):
    """Nothing is done, and ``answer`` says why not."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _register(session: Session, message: Message) -> None:
    name = session.nick if message.params[0] == "*" else message.params[0]
    if session.nick == "*":
        raise _RefusedError(fail(Code.NEED_NICK, "REGISTER", "*"))
    if session.account is not None:
        raise _no(Code.ALREADY_AUTHENTICATED, name)
    code = _code_of(session, name)
    if code is None and not session.registered and not session.registration.may_pass():
        return
    _check(session, message.params, name, code)
    if code is not None and code.account_id:
        _reset(session, message, name, code)
    else:
        _make(session, message, name, code)


# -- what is wrong with it, as far as it can be said without the chat -------------------------------------------------


def _no(code: Code, name: str, description: str | None = None) -> _RefusedError:
    return _RefusedError(fail(code, "REGISTER", _shown(name), description=description))


def _shown(name: str) -> str:
    return fit(name, MAX_SHOWN)


def _code_of(session: Session, name: str) -> InviteCode | None:
    """The invitation with which the client came; ``None``: with none, and here none is needed."""
    looked = session.registration.look_at_code()
    if looked is None:
        if not session.hub.config.accounts.registration:
            raise _no(Code.REGISTRATION_CLOSED, name)
        return None
    if looked.why == THROTTLED:
        raise _no(Code.TEMPORARILY_UNAVAILABLE, name, TOO_MANY_WRONG)
    if looked.code is None or looked.why:
        raise _bad_code(session, name, looked.code, looked.why)
    if looked.code.name and casefold(looked.code.name) != casefold(name):
        raise _bad_code(session, name, looked.code, "name")
    return looked.code


def _bad_code(session: Session, name: str, code: InviteCode | None, why: str) -> _RefusedError:
    if code is not None:
        log_refused(session, code, why)
        if why == "name":
            return _no(Code.BAD_ACCOUNT_NAME, name, f"The invitation is for {code.name}")
    return _no(NOT_GOOD.get(why, Code.INVALID_CODE), name)


def _check(session: Session, params: list[str], name: str, code: InviteCode | None) -> None:
    config = session.hub.config
    email, password = params[1:3]
    if not config.accounts.guests and casefold(name) != casefold(session.nick):
        raise _no(Code.ACCOUNT_NAME_MUST_BE_NICK, name)
    if not valid_nick(name):
        raise _no(Code.BAD_ACCOUNT_NAME, name, _NAMES)
    _check_certificate(session, name)
    local, at, domain = email.rpartition("@")
    if email != "*" and not (local and at and domain):
        raise _no(Code.INVALID_EMAIL, name)
    if len(params) > 3:  # what was meant to be one password was not sent as one
        raise _no(Code.UNACCEPTABLE_PASSWORD, name, "A password with spaces needs a colon in front of it")
    objection = objection_to(password, name, config.limits.min_password_length)
    if objection is not None:
        raise _no(objection.code, name, objection.sentence)
    account = session.hub.chat.accounts.get(casefold(name))  # as it looks now: then it is not to cost a hash
    if code is not None and code.account_id:
        if account is not None and not account.enabled:
            raise _no(Code.BAD_ACCOUNT_NAME, name, "This account is disabled")
    elif account is not None:
        session.charge(LINES_FOR_A_HASH)  # or somebody could ask for one name after the other
        raise _no(Code.ACCOUNT_EXISTS, name)


def _check_certificate(session: Session, name: str) -> None:
    """Where certificates are required, an account is made, or gets a password, by who has its certificate."""
    hub = session.hub
    why = hub.identities.keeps_out(session.certificate, name, hub.chat)
    if why:
        hub.log.info("certificate required", session=session.number, why=why)
        raise _no(Code.BAD_ACCOUNT_NAME, name, "This server wants a certificate that is made out to this name")


def _credentials(session: Session, name: str, password: str) -> tuple[str, str]:
    try:
        return new_credentials(session, "REGISTER", password)
    except PasswordRefusedError as error:
        raise _no(Code.UNACCEPTABLE_PASSWORD, name, str(error)) from None


def _charge_for_nothing(session: Session) -> None:
    """A hash was made, and the chat has refused what it was for. Nobody is slowed down by the one that they need; but
    with a code that is not used up somebody could ask for one hash after the other."""
    if not session.registered:  # else it is charged for in any case
        session.charge(LINES_FOR_A_HASH)


def _explained(session: Session, name: str, code: InviteCode | None, refused: Refusal) -> Answer:
    match refused.reason:
        case Reason.ACCOUNT_EXISTS:
            return fail(Code.ACCOUNT_EXISTS, "REGISTER", name)
        case Reason.NICK_IN_USE:
            return _no(Code.BAD_ACCOUNT_NAME, name, "Somebody else wears this name as a nick").answer
        case Reason.NO_SUCH_ACCOUNT:  # it was removed meanwhile, and with it the code
            return _no(Code.INVALID_CODE, name).answer
        case Reason.BAD_INVITE_CODE:  # it was good a moment ago: somebody else was faster
            return _bad_code(session, name, code, refused.context[0]).answer
        case Reason.NOT_STORED:
            why = f"Nothing was done, because {refused.context[0]}; try again later"
            return _no(Code.TEMPORARILY_UNAVAILABLE, name, why).answer
    return refusal(refused, "REGISTER")


# -- an account that is new -------------------------------------------------------------------------------------------


def _make(session: Session, message: Message, name: str, code: InviteCode | None) -> None:
    hub = session.hub
    # Who was invited has been let through by somebody; and people who work in one place are invited together.
    if code is None and not hub.registrations.admit(session.address, time.monotonic()):
        hub.log.warning("account registration throttled", session=session.number, address=session.address)
        many = "As many accounts were made from your address as may be for now; try again in an hour"
        raise _no(Code.TEMPORARILY_UNAVAILABLE, name, many)
    credential, scram = _credentials(session, name, message.params[2])
    by = Registrant(session.number, session.address, hub.host_of(session.address, name))

    def ask(chat: Chat) -> tuple[Account, str] | None:
        """The account that was made, if it was, and how others see who made it."""
        account = chat.account_named(name)
        if account is None or account.credential != credential:
            return None
        user = chat.sessions.get(session.number)
        return account, user.source if user is not None else session.registration.mask_with(account.name)

    def render(made: tuple[Account, str] | None) -> Iterator[bytes]:
        return iter(_success(session, *made, "The account is yours") if made is not None else ())

    def explain(refused: Refusal) -> Answer:
        return _explained(session, name, code, refused)

    digest = code.digest if code is not None else ""
    session.submit(message, (AddAccount(name, credential, by=by, scram=scram, code=digest),), ask, render, explain)
    session.ask(lambda _: None)  # by then it is answered
    if session.account is None:
        _charge_for_nothing(session)
        return
    hub.log.info("account registered", session=session.number, address=session.address, account=name)
    if code is not None:
        log_used(session, code, name)


def _success(session: Session, account: Account, mask: str, sentence: str) -> list[bytes]:
    success = session.line(f"REGISTER SUCCESS {account.name} :{sentence}")
    return [success, session.authentication.log_in(account, mask)]


# -- an account that gets a new password ------------------------------------------------------------------------------


def _reset(session: Session, message: Message, name: str, code: InviteCode) -> None:
    """Its other sessions end. Who came with the code has the account from then on."""
    credential, scram = _credentials(session, name, message.params[2])
    request = SetPassword(name, credential, scram=scram, code=code.digest)
    outcome, account = session.do(request, lambda chat: chat.account_named(name))
    if isinstance(outcome, Refusal):
        _charge_for_nothing(session)
        raise _RefusedError(_explained(session, name, code, outcome))
    if account is None:
        return  # it can't be: it has just got its password
    log_used(session, code, account.name)
    sentence = "The account has its new password"
    if not session.registered:
        session.reply(message, _success(session, account, session.registration.mask_with(account.name), sentence))
        return

    def source(chat: Chat) -> str | None:
        user = chat.sessions.get(session.number)
        return user.source if user is not None and user.account_id == account.id else None

    def render(mask: str | None) -> Iterator[bytes]:
        return iter(_success(session, account, mask, sentence) if mask is not None else ())

    def explain(refused: Refusal) -> Answer:
        del refused  # its account is always on, say: they connect anew
        return _no(Code.TEMPORARILY_UNAVAILABLE, name, f"{sentence}: connect anew, and log in with it").answer

    host = session.hub.host_of(session.address, account.name)
    session.submit(message, (LogIn(session.number, account.id, account.credential_set, host),), source, render, explain)
    session.ask(lambda _: None)  # wait for that: it may bring another nick, to which what comes next is answered


COMMANDS = (
    Command("REGISTER", register, "<account or *> <email or *> <password>",
            "Makes an account, where the server allows it or with an invitation; * is one with your nick as its name "
            "(IRCv3).", 3, When.ALWAYS),
    Command("VERIFY", verify, "<account> <code>", "Finishes what REGISTER began, on servers that send codes (IRCv3).",
            2, When.ALWAYS),
)  # fmt: skip
