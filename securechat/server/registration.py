"""What happens before a client is on the chat: PASS, NICK, USER, capabilities, SASL (Modern IRC).

All of it is between the client and its own thread: the chat hears of it when everything is there.
"""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.model import Account
from securechat.chat.requests import Arrive, Rehash
from securechat.chat.views import population
from securechat.irc.errors import SaslAbortedError, SaslError, SaslFailedError
from securechat.irc.message import Message
from securechat.irc.names import casefold, valid_nick
from securechat.irc.numerics import Numeric
from securechat.irc.sasl import Plain, PlainCredentials, SaslServer
from securechat.irc.split import fit
from securechat.server import answers
from securechat.server.throttle import Attempt
from securechat.store.passwords import BrokenHashError, HasherClosed

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["Registration"]

MAX_REALNAME = 150
"""Bytes; with everything else of extended-join it stays within a line."""

MAX_DELAY = 16.0
"""Seconds that a login may be kept waiting because of failed ones; one that had to wait longer fails at once."""

MAX_FAILURES = 5
"""Failed logins after which a connection is closed."""


class Registration:
    """What one client has said so far. Used by the session's thread alone."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.deadline = time.monotonic() + session.hub.config.limits.registration_timeout
        self.password: str | None = None
        self._nick: str | None = None
        self._username: str | None = None
        self._sasl = SaslServer({Plain.name: Plain})
        self._failures = 0

    def take_nick(self, message: Message, nick: str) -> None:
        session = self._session
        if not valid_nick(nick):
            session.reply(message, [session.numeric(Numeric.ERR_ERRONEUSNICKNAME, nick)])
            return
        # One that negotiates may be about to log in to the very account that is here; it is judged at its arrival.
        if not session.caps.negotiating and session.ask(lambda chat: _worn_by_guest(chat, nick)):
            session.reply(message, [session.numeric(Numeric.ERR_NICKNAMEINUSE, nick)])
            return
        session.reply(message, [])
        self._nick = session.nick = nick
        self.go_on(message)

    def nick_refused(self) -> None:
        """The arrival was refused because of the nick: it is as if it had not been said.

        Called by the journal's runner, while the session's thread waits for just that.
        """
        self._nick = None
        self._session.nick = "*"

    def take_user(self, message: Message, username: str, realname: str) -> None:
        session = self._session
        session.reply(message, [])
        allowed = "".join(c for c in username if c.isascii() and (c.isalnum() or c in "-_.~[]{}|^`"))
        self._username = allowed[: session.hub.username_length] or "user"
        session.realname = fit(realname, MAX_REALNAME)
        self.go_on(message)

    def go_on(self, message: Message) -> None:
        """If everything is there, let the client in or tell it why not."""
        session = self._session
        if self._nick is None or self._username is None or session.caps.negotiating:
            return
        hub = session.hub
        try:
            self._sasl.abort()
        except SaslAbortedError as aborted:
            for answer in aborted.answers:
                session.link.queue(session.answer(answer))
        wanted = hub.config.server.password
        if wanted and not hmac.compare_digest(wanted.encode(), (self.password or "").encode()):
            hub.log.info("server password wrong", session=session.number, address=session.address)
            session.link.queue(session.numeric(Numeric.ERR_PASSWDMISMATCH))
            session.end("The password of the server is wrong or missing")
            return
        account = session.account
        arrive = Arrive(
            session.number,
            self._nick,
            self._username,
            hub.host_of(session.address, account.name if account else None),
            session.realname,
            account.id if account else None,
            account.credential_set if account else 0,
        )
        session.submit_arrival(
            message, arrive, population, lambda there: answers.welcome(session, session.arrival, there)
        )

    def authenticate(self, message: Message) -> None:
        session = self._session
        if "sasl" not in session.caps.enabled:
            session.reply(message, [session.numeric(Numeric.ERR_SASLFAIL)])
            return
        try:
            outcome = self._sasl.handle(message.params[0])
            if isinstance(outcome, list):
                session.reply(message, [session.raw(f"AUTHENTICATE {part}") for part in outcome])
                return
            if not isinstance(outcome, PlainCredentials):
                raise SaslFailedError
            begun = time.monotonic()
            try:
                account = self._verify(outcome)
            finally:
                self.deadline += time.monotonic() - begun  # what the server needs is not the client's fault
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
        self._sasl.succeeded()
        session.account = account
        mask = f"{session.nick}!{self._username or '*'}@{session.hub.host_of(session.address, account.name)}"
        session.reply(
            message,
            [
                session.numeric(Numeric.RPL_LOGGEDIN, mask, account.name, account.name),
                session.numeric(Numeric.RPL_SASLSUCCESS),
            ],
        )
        session.hub.log.info("login", session=session.number, address=session.address, account=account.name)

    def _verify(self, given: PlainCredentials) -> Account | None:
        """Check a name and a password, here in the client's own thread; nothing is locked meanwhile.

        Raises :class:`SaslFailedError`. ``None``: the server is stopping.
        """
        session = self._session
        hub = session.hub
        name = given.authcid
        while True:
            with hub.logins.attempt(name, session.address, time.monotonic()) as attempt:
                if not attempt.wait:
                    return self._check(given, attempt)
            if attempt.wait > MAX_DELAY or not session.pause(attempt.wait):
                self._log_failure("login throttled", name)
                raise SaslFailedError("throttled")

    def _check(self, given: PlainCredentials, attempt: Attempt) -> Account | None:
        session = self._session
        hub = session.hub
        name = given.authcid
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
        if given.authzid and casefold(given.authzid) != casefold(name):
            right = False
        if account is None or not right:
            self._log_failure("login failed", name)
            raise SaslFailedError("wrong name or password")
        attempt.succeeded()
        if not account.enabled:
            hub.log.warning(
                "login to a disabled account", session=session.number, address=session.address, account=account.name
            )
            raise _DisabledError
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


def _worn_by_guest(chat: Chat, nick: str) -> bool:
    user = chat.users.get(casefold(nick))
    return user is not None and user.account_id is None
