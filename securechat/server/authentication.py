"""Logging in with SASL: the exchange, whether it proves anything, and what follows (IRCv3 SASL 3.1 and 3.2).

Before registration a login says as whom the client will arrive. Afterwards it may log in anew, at any time (SASL 3.2,
"SASL Reauthentication"). All of it is between the client and its own thread, which is also the one that hashes.

Three ways lead in. PLAIN: a password, which costs a hash, or none if the same login was right a short while ago
(`login_cache`). EXTERNAL: the certificate that the connection shows, whose it is says `identity`; the key was proved in
the handshake. SCRAM-SHA-256: a proof of the password, where the operator has that (`scram`).

A login may name the device that it comes from, ``alice@phone``. What counts is the one with which a client arrives: it
is the same device as long as it is connected, whatever later logins say.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from securechat.chat.machine import Chat
from securechat.chat.model import Account
from securechat.chat.requests import LogIn, Rehash
from securechat.irc.errors import SaslAbortedError, SaslError, SaslFailedError
from securechat.irc.message import Message
from securechat.irc.names import casefold, valid_nick
from securechat.irc.numerics import Numeric
from securechat.irc.sasl import (
    Credentials,
    External,
    ExternalCredentials,
    Mechanism,
    Plain,
    PlainCredentials,
    SaslServer,
)
from securechat.server import replay
from securechat.server.features import mechanisms
from securechat.server.hashing import LINES_FOR_A_HASH, MAX_DELAY, GaveUp, ThrottledError, check, log_failure, turn
from securechat.server.login_cache import Remembered
from securechat.server.scram_exchange import Keys, Scram, ScramCredentials
from securechat.store.passwords import BrokenHashError

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["LINES_FOR_A_HASH", "MAX_DELAY", "Authentication", "split_login"]

MAX_FAILURES = 5
"""Failed logins after which a connection is closed."""

EVEN_SECONDS = 0.001
"""What looking up a name for SCRAM takes in any case. To read a verifier takes a microsecond longer than to make one
up, if only because it comes from memory, and that can be seen in a few thousand answers (benchmarks/timing.py)."""

_DEVICE = re.compile(r"[A-Za-z0-9._-]{1,32}")

_NOBODY = "nobody:"
"""What guesses at names count against that no account can have."""


def split_login(login: str) -> tuple[str, str | None]:
    """The account and the casefolded device of ``alice@phone``. The device is empty where none is named, and ``None``
    where that can't be the name of one: 1 to 32 ASCII letters, digits and ``-_.``."""
    account, at, device = login.partition("@")
    if not at:
        return account, ""
    return account, casefold(device) if _DEVICE.fullmatch(device) else None


@dataclass(frozen=True, slots=True)
class _Proved:
    """A login that is right: by which mechanism, to which account, on which device; if by a certificate, with which."""

    how: str
    account: Account
    device: str
    fingerprint: str | None = None


class Authentication:
    """The logins of one session. Used by the session's thread alone.

    ``device``: what the last login calls it; empty where it has given no name.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sasl = SaslServer({})
        self._failures = 0
        self._remembered: Remembered | None = None  # the login by which the session is here
        self._proving: Account | None = None  # whose keys an exchange of SCRAM goes by
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
        self._sasl.mechanisms = self._mechanisms()
        before = session.proved
        try:
            outcome = self._sasl.handle(message.params[0])
            if isinstance(outcome, list):
                session.reply(message, [session.raw(f"AUTHENTICATE {part}") for part in outcome])
                return
            proved = self._judge(outcome)
        except GaveUp:
            return
        except SaslError as error:
            self._fail(
                message, [session.answer(answer) for answer in error.answers], isinstance(error, SaslFailedError)
            )
            return
        except _RefusedError as error:
            words = session.line(f"{Numeric.ERR_SASLFAIL} {session.nick} :SASL authentication failed: {error}")
            self._fail(message, [words])
            return
        except _DisabledError:
            locked = session.line(f"{Numeric.ERR_NICKLOCKED} {session.nick} :This account is disabled")
            self._fail(message, [locked, session.numeric(Numeric.ERR_SASLFAIL)])
            return
        account = proved.account
        self.device = proved.device
        session.hub.log.info(
            "login", session=session.number, address=session.address, account=account.name, how=proved.how
        )
        if not session.registered:
            session.proved = proved.fingerprint
            session.reply(message, self._accepted(account, session.registration.mask_with(account.name)))
            session.registration.go_on(Message(message.command, []))  # of one who was to REGISTER, and needs not
        elif self.log_in_again(message, account):
            session.proved = proved.fingerprint
        else:
            session.proved = before

    def log_in_again(self, message: Message, account: Account) -> bool:
        """A registered session has proved to have this account: the chat says whether its user may have it.

        To the account that it has already that is always so. A refusal is a 904 (`replies.refusal`). Gives whether the
        user has the account now.
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
        up_to = session.ask(lambda chat: chat.held.get(account.id, 0) if source(chat) is not None else None)
        if up_to and session.asks_for_history:
            session.collect(up_to)
        elif up_to:
            session.link.queue(replay.kept_messages(session, account.id, up_to))
        return up_to is not None

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

    def close(self) -> None:
        """The connection has ended. May be called more than once."""
        self._keep(None)

    def _accepted(self, account: Account, mask: str) -> list[bytes]:
        return [self.log_in(account, mask), self._session.numeric(Numeric.RPL_SASLSUCCESS)]

    def _fail(self, message: Message, lines: list[bytes], counts: bool = True) -> None:
        session = self._session
        session.reply(message, lines)
        self._failures += counts
        if self._failures >= MAX_FAILURES:
            session.end("Too many failed logins")

    def _keep(self, login: Remembered | None) -> None:
        """The session is here by this login, and not by the one before."""
        if self._remembered is not None:
            self._session.hub.login_cache.release(self._remembered, time.monotonic())
        self._remembered = login

    # -- the three ways -----------------------------------------------------------------------------------------------

    def _mechanisms(self) -> Mapping[str, Callable[[], Mechanism]]:
        """What is offered now: the configuration may have been read again."""
        made: dict[str, Callable[[], Mechanism]] = {
            Plain.name: Plain,
            External.name: External,
            Scram.name: lambda: Scram(self._keys_of, self._prove),
        }
        return {name: made[name] for name in mechanisms(self._session.hub.config)}

    def _judge(self, given: Credentials) -> _Proved:
        """Whether what an exchange has ended in is a login. Nothing is locked meanwhile.

        Raises `SaslFailedError`, `_RefusedError`, `_DisabledError` and `GaveUp`.
        """
        match given:
            case PlainCredentials():
                return self._judge_password(given)
            case ExternalCredentials():
                return self._judge_certificate(given)
            case ScramCredentials():
                _, device = split_login(given.authcid)
                return self._usable(Scram.name, self._proving, device)
        raise SaslFailedError

    def _judge_password(self, given: PlainCredentials) -> _Proved:
        """A name and a password, which is looked at in the client's own thread."""
        session, hub = self._session, self._session.hub
        name, device = split_login(given.authcid)
        if session.registered:
            session.charge(LINES_FOR_A_HASH)
        self._check_certificate(Plain.name, name)
        possible = device is not None and _may_act_as(given.authzid, given.authcid)
        account: Account | None = None  # as it was when the password was looked at

        def recall() -> bool:
            nonlocal account
            account = hub.chat.accounts.get(casefold(name))
            login = hub.login_cache.recall(account, given.password, time.monotonic())
            if login is not None and not possible:
                hub.login_cache.release(login, time.monotonic())
                return False
            if login is not None:
                self._keep(login)
            return login is not None

        def verify() -> bool:
            nonlocal account
            account = hub.chat.accounts.get(casefold(name))
            try:
                right = hub.hasher.verify_in_turn(given.password, account.credential if account else None)
            except BrokenHashError as error:
                hub.on_error("an account's hash is broken", error)
                return False
            if account is None or not right or not possible:
                return False
            self._keep(hub.login_cache.remember(account, given.password))
            return True

        if not self._check(Plain.name, name, verify, known=recall):
            raise SaslFailedError("wrong name or password")
        proved = self._usable(Plain.name, account, device)
        if hub.hasher.needs_rehash(proved.account.credential):
            self._rehash(proved.account, given.password)
        return proved

    def _judge_certificate(self, given: ExternalCredentials) -> _Proved:
        """The certificate that the connection shows (RFC 4422, appendix A)."""
        session, hub = self._session, self._session.hub
        peer = session.certificate
        if peer is None:
            self._refuse_certificate("your connection shows no certificate")
        name, device = split_login(given.authzid) if given.authzid else (None, "")
        # Said before it is looked up: who takes the certificate from its account after that ends this session.
        before, session.proved = session.proved, peer.fingerprint
        try:
            account, why = hub.identities.account_of(peer, hub.chat)
            if account is None:
                hub.log.info("certificate of nobody", session=session.number, fingerprint=peer.fingerprint, why=why)
                self._refuse_certificate(f"your certificate is nobody's here: {why}")
            if device is None or (name is not None and casefold(name) != casefold(account.name)):
                self._refuse_certificate("your certificate is that of another account", account)
            proved = self._usable(External.name, account, device, peer.fingerprint)
        except BaseException:
            session.proved = before
            raise
        hub.logins.certified(account.name, session.address, time.monotonic())
        self._keep(None)
        return proved

    def _refuse_certificate(self, words: str, account: Account | None = None) -> NoReturn:
        session = self._session
        session.hub.logins.certified(None, session.address, time.monotonic())
        log_failure(session, External.name, "certificate", account.name if account else "unknown")
        raise _RefusedError(words)

    def _keys_of(self, login: str) -> Keys:
        """What SCRAM shows of a name's password, after a time that is always the same."""
        until = time.perf_counter() + EVEN_SECONDS
        name, _ = split_login(login)
        hub = self._session.hub
        self._proving = hub.chat.accounts.get(casefold(name))
        keys = hub.scram.find(name, self._proving)
        time.sleep(max(until - time.perf_counter(), 0.0))
        return keys

    def _prove(self, authzid: str, authcid: str, right: Callable[[], bool]) -> None:
        """A proof of SCRAM, which costs no hash."""
        name, device = split_login(authcid)
        self._check_certificate(Scram.name, name)
        possible = device is not None and _may_act_as(authzid, authcid)

        def judge() -> bool:
            # The proof is looked at in any case, and of a name that does not exist none is right.
            return right() and possible and self._proving is not None

        if not self._check(Scram.name, name, judge, hashed=False):
            raise SaslFailedError("wrong name or proof")
        self._keep(None)

    # -- what they share ----------------------------------------------------------------------------------------------

    def _check(
        self,
        how: str,
        name: str,
        right: Callable[[], bool],
        *,
        known: Callable[[], bool] | None = None,
        hashed: bool = True,
    ) -> bool:
        counted = name if valid_nick(name) else _NOBODY  # no other thing that is counted can be named
        shown = self._shown(name)
        try:
            return check(self._session, "AUTHENTICATE", how, counted, right, shown=shown, known=known, hashed=hashed)
        except ThrottledError:
            raise SaslFailedError("throttled") from None

    def _check_certificate(self, how: str, name: str) -> None:
        """Where certificates are required, that of the connection has to be the account's."""
        session, hub = self._session, self._session.hub
        why = hub.identities.keeps_out(session.certificate, name, hub.chat)
        if why:
            hub.log.info("certificate required", session=session.number, why=why)
            log_failure(session, how, "certificate", self._shown(name))
            hub.logins.certified(None, session.address, time.monotonic())
            raise _RefusedError("this server wants the certificate of the account that logs in")

    def _usable(self, how: str, account: Account | None, device: str | None, fingerprint: str | None = None) -> _Proved:
        """A login that was proved, if the account may be used. Who has changed since, the chat does not let in."""
        if account is None or device is None:
            raise SaslFailedError
        if not account.enabled:
            log_failure(self._session, how, "disabled", account.name)
            raise _DisabledError
        return _Proved(how, account, device, fingerprint)

    def _shown(self, name: str) -> str:
        """Who types a password where the name goes does not find it in the log: only names that exist are in there."""
        account = self._session.hub.chat.accounts.get(casefold(name))
        return account.name if account else "unknown"

    def _rehash(self, account: Account, password: str) -> None:
        """The parameters were raised since; only now is the password at hand to be hashed with them."""
        hub = self._session.hub
        with turn(self._session, "AUTHENTICATE"):
            credential = hub.hasher.hash_in_turn(password)
        hub.journal.ask([Rehash(account.id, account.credential_set, credential)])
        hub.log.info("password hashed anew", account=account.name)


def _may_act_as(authzid: str, authcid: str) -> bool:
    """Whether somebody may act as ``authzid``: as themselves, with or without the device (RFC 4422 section 3.4.1)."""
    return not authzid or casefold(authzid) in (casefold(split_login(authcid)[0]), casefold(authcid))


class _DisabledError(Exception):
    """The right password, or certificate, of an account that may not be used: 902, in words of our own, then 904."""


class _RefusedError(Exception):
    """A login that can't be right whatever it says, for a reason that may be told: ``str()`` of it, in a 904."""
