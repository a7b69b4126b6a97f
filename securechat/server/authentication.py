"""Logging in with SASL: the exchange, whether the password is right, and what follows (IRCv3 SASL 3.1 and 3.2).

Before registration a login says as whom the client will arrive. Afterwards it may log in anew, at any time (SASL 3.2,
"SASL Reauthentication"). All of it is between the client and its own thread, which is also the one that hashes.

A login may name the device that it comes from, ``alice@phone``. What counts is the one with which a client arrives: it
is the same device as long as it is connected, whatever later logins say.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.model import Account
from securechat.chat.requests import LogIn, Rehash
from securechat.irc.errors import SaslAbortedError, SaslError, SaslFailedError
from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.irc.sasl import Plain, PlainCredentials, SaslServer
from securechat.server import replay
from securechat.server.throttle import Attempt
from securechat.store.passwords import BrokenHashError, HasherClosed

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["Authentication", "split_login"]

MAX_DELAY = 16.0
"""Seconds that a login may be kept waiting because of failed ones; one that had to wait longer fails at once."""

MAX_FAILURES = 5
"""Failed logins after which a connection is closed."""

LINES_FOR_A_HASH = 10
"""What a login of a registered client costs of its throttle: a password takes far more time than a line."""

_DEVICE = re.compile(r"[A-Za-z0-9._-]{1,32}")


def split_login(login: str) -> tuple[str, str | None]:
    """The account and the casefolded device of ``alice@phone``. The device is empty where none is named, and ``None``
    where that can't be the name of one: 1 to 32 ASCII letters, digits and ``-_.``."""
    account, at, device = login.partition("@")
    if not at:
        return account, ""
    return account, casefold(device) if _DEVICE.fullmatch(device) else None


class Authentication:
    """The logins of one session. Used by the session's thread alone.

    ``device``: what the last login calls it; empty where it has given no name.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sasl = SaslServer({Plain.name: Plain})
        self._failures = 0
        self.device = ""

    def authenticate(self, message: Message) -> None:
        """One AUTHENTICATE of the client, with its parameter. Answers 904 where ``sasl`` is not enabled."""
        session = self._session
        if "sasl" not in session.caps.enabled:
            self.break_off()
            session.reply(message, [session.numeric(Numeric.ERR_SASLFAIL)])
            return
        if session.registered:
            self._sasl.reopen()
        try:
            outcome = self._sasl.handle(message.params[0])
            if isinstance(outcome, list):
                session.reply(message, [session.raw(f"AUTHENTICATE {part}") for part in outcome])
                return
            if not isinstance(outcome, PlainCredentials):
                raise SaslFailedError
            account = self._verify(outcome)
        except (SaslError, _DisabledError) as error:
            if isinstance(error, SaslError):
                lines = [session.answer(answer) for answer in error.answers]
            else:
                locked = session.line(f"{Numeric.ERR_NICKLOCKED} {session.nick} :This account is disabled")
                lines = [locked, session.numeric(Numeric.ERR_SASLFAIL)]
            session.reply(message, lines)
            self._failures += isinstance(error, (SaslFailedError, _DisabledError))
            if self._failures >= MAX_FAILURES:
                session.end("Too many failed logins")
            return
        if account is None:
            return
        session.hub.log.info("login", session=session.number, address=session.address, account=account.name)
        if session.registered:
            self.log_in_again(message, account)
            return
        session.reply(message, self._accepted(account, session.registration.mask_with(account.name)))

    def log_in_again(self, message: Message, account: Account) -> None:
        """A registered session has proved to have this account: the chat says whether its user may have it.

        To the account that it has already that is always so. A refusal is a 904 (`replies.refusal`).
        """
        session = self._session

        def source(chat: Chat) -> str | None:
            """How others see its user from now on, if it has the account."""
            user = chat.sessions.get(session.number)
            return user.source if user is not None and user.account_id == account.id else None

        def answer(mask: str | None) -> list[bytes]:
            return [] if mask is None else self._accepted(account, mask)

        host = session.hub.host_of(session.address, account.name)
        session.submit(message, (LogIn(session.number, account.id, account.credential_set, host),), source, answer)
        # Wait for that: it may bring another nick, to which what comes next is answered. What was kept for the account
        # is shown behind it.
        up_to = session.ask(lambda chat: chat.held.get(account.id, 0) if source(chat) is not None else 0)
        if up_to and session.asks_for_history:
            session.collect(up_to)
        elif up_to:
            session.link.queue(replay.kept_messages(session, account.id, up_to))

    def break_off(self) -> list[bytes]:
        """End an exchange that is under way; the lines that tell the client of it, none if there is none."""
        try:
            self._sasl.abort()
        except SaslAbortedError as aborted:
            return [self._session.answer(answer) for answer in aborted.answers]
        return []

    def log_in(self, account: Account, mask: str) -> bytes:
        """Note who the session is, and give the line that says so. ``mask``: how others see it, or will."""
        self._session.account = account
        self._sasl.succeeded()
        return self._session.numeric(Numeric.RPL_LOGGEDIN, mask, account.name, account.name)

    def _accepted(self, account: Account, mask: str) -> list[bytes]:
        return [self.log_in(account, mask), self._session.numeric(Numeric.RPL_SASLSUCCESS)]

    def _verify(self, given: PlainCredentials) -> Account | None:
        """Check a name and a password, here in the client's own thread; nothing is locked meanwhile.

        Raises :class:`SaslFailedError`. ``None``: the server is stopping.
        """
        session = self._session
        begun = time.monotonic()
        name, device = split_login(given.authcid)
        if session.registered:
            session.charge(LINES_FOR_A_HASH)
        try:
            while True:
                with session.hub.logins.attempt(name, session.address, time.monotonic()) as attempt:
                    if not attempt.wait:
                        return self._check(given, name, device, attempt)
                if attempt.wait > MAX_DELAY or not session.pause(attempt.wait):
                    self._log_failure("login throttled", name)
                    raise SaslFailedError("throttled")
        finally:
            # What the server needs is not the client's fault.
            session.registration.deadline += time.monotonic() - begun

    def _check(self, given: PlainCredentials, name: str, device: str | None, attempt: Attempt) -> Account | None:
        """``name`` and ``device``: what `given.authcid` says."""
        session = self._session
        hub = session.hub
        account = hub.chat.accounts.get(casefold(name))
        try:
            with hub.cores.anywhere():
                right = hub.hasher.verify(given.password, account.credential if account else None)
        except BrokenHashError as error:
            hub.on_error("an account's hash is broken", error)
            right = False
        except HasherClosed:
            session.end("The server is stopping")
            return None
        if given.authzid and casefold(given.authzid) not in (casefold(name), casefold(given.authcid)):
            right = False
        if account is None or device is None or not right:
            self._log_failure("login failed", name)
            raise SaslFailedError("wrong name or password")
        attempt.succeeded()
        if not account.enabled:
            hub.log.warning(
                "login to a disabled account", session=session.number, address=session.address, account=account.name
            )
            raise _DisabledError
        self.device = device
        if hub.hasher.needs_rehash(account.credential):
            self._rehash(account, given.password)
        return account

    def _rehash(self, account: Account, password: str) -> None:
        """The parameters were raised since; only now is the password at hand to be hashed with them."""
        hub = self._session.hub
        try:
            with hub.cores.anywhere():
                credential = hub.hasher.hash(password)
        except HasherClosed:
            return
        hub.journal.ask([Rehash(account.id, account.credential_set, credential)])
        hub.log.info("password hashed anew", account=account.name)

    def _log_failure(self, event: str, name: str) -> None:
        """Who types a password where the name goes does not find it in the log: only names that exist are in there."""
        hub, session = self._session.hub, self._session
        account = hub.chat.accounts.get(casefold(name))
        hub.log.warning(
            event, session=session.number, address=session.address, account=account.name if account else "unknown"
        )


class _DisabledError(Exception):
    """The right password of an account that may not be used: 902, in words of our own, then 904."""
