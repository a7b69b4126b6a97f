"""What all sessions share. Nothing in here waits for a client."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.server.commands import Command, registry
from securechat.server.config import Config
from securechat.server.cores import Cores
from securechat.server.features import MAX_USERNAME, isupport, offers
from securechat.server.identity import Identities
from securechat.server.issued import IssuedCertificates
from securechat.server.log import EventLog
from securechat.server.login_cache import LoginCache
from securechat.server.monitors import Monitors
from securechat.server.reader import Reader
from securechat.server.scram import Scram
from securechat.server.searching import Searching
from securechat.server.session import Session
from securechat.server.throttle import ConnectionThrottle, LoginThrottle, RegistrationThrottle, TokenBucket
from securechat.server.whereabouts import Listening
from securechat.server.whowas import WhoWas
from securechat.store.database import Database, NotStored
from securechat.store.history import History
from securechat.store.journal import Journal
from securechat.store.passwords import Hasher

if TYPE_CHECKING:
    from securechat.server.reload import Reloader

__all__ = ["Hub"]

NOT_STORED_SECONDS = 10.0


class Hub:
    """``sessions``: those that may be on the chat, by number; a dictionary whose single look-ups need no lock."""

    def __init__(self, config: Config, chat: Chat, database: Database, hasher: Hasher, log: EventLog) -> None:
        self.config = config
        self.name = config.server.name
        self.chat = chat
        self.database = database
        self.hasher = hasher
        self.log = log
        self.journal: Journal
        self.history: History
        self.reloader: Reloader
        self.identities = Identities(config.tls.client_cert)
        """Replaced as a whole when certificates are read again."""
        self.logins = LoginThrottle(enabled=config.limits.throttle)
        self.login_cache = LoginCache(config.accounts.remember_logins)
        self.registrations = RegistrationThrottle(enabled=config.limits.throttle)
        self.enrolments = RegistrationThrottle(enabled=config.limits.throttle)
        """By the names of accounts: certificates that are signed for them."""
        self.issued = IssuedCertificates()
        self.arrivals = ConnectionThrottle(config.limits.max_connections_per_address, enabled=config.limits.throttle)
        self.stopping = False
        self.listening: Listening = ()
        """Where clients connect; empty where this is no server."""
        self.seen = 0  # up to which stamp clients of the last server have surely seen what was said
        self._not_stored_told = float("-inf")
        self.cores = Cores(one=False)
        self.searching: Searching | None = None
        self.sessions: dict[int, Session] = {}
        self.monitors = Monitors()
        self.whowas = WhoWas()
        self.offers = offers(self.config)
        self.commands: Mapping[str, Command] = registry
        self.username_length = MAX_USERNAME
        self.started = time.time()
        self.started_text = time.strftime("%a %d %b %Y at %H:%M:%S UTC", time.gmtime(self.started))
        self.most_users = 0
        self.isupport = isupport(self.config)
        self._host_key = database.host_key()
        self.scram = Scram(self._host_key, self.on_error, enabled=config.accounts.scram)
        self._number = 0
        # Guards _number and _threads. No other lock is taken inside it.
        self._lock = threading.Lock()
        self._threads: dict[int, tuple[Session, threading.Thread]] = {}

    def adopt(self, config: Config) -> None:
        """Put another configuration into the place of the present one.

        Only for `securechat.server.reload`, which sees to the rest. The tokens of 005 come last, always as another
        dictionary: by that each session sees that there is something new.
        """
        self.config = config
        self.logins.enabled = self.registrations.enabled = self.enrolments.enabled = config.limits.throttle
        self.login_cache.change(config.accounts.remember_logins)
        self.scram.enabled = config.accounts.scram
        self.arrivals.change(config.limits.max_connections_per_address, enabled=config.limits.throttle)
        self.offers = offers(self.config)
        self.isupport = isupport(self.config)

    # -- sessions -----------------------------------------------------------------------------------------------------

    def next_number(self) -> int:
        with self._lock:
            self._number += 1
            return self._number

    def admit(self, address: str) -> str | None:
        """Why another connection from there can't be taken, or ``None``; then :meth:`start` follows."""
        if len(self._threads) >= self.config.limits.max_connections:
            return "too many connections"
        return self.arrivals.admit(address, time.monotonic())

    def start(self, session: Session) -> None:
        """Start the session's thread. Raises ``RuntimeError`` where the system can't have another."""
        thread = threading.Thread(target=Reader(session).run, name=f"session-{session.number}", daemon=True)
        with self._lock:
            self._threads[session.number] = (session, thread)
        self.cores.crowd(len(self._threads))
        try:
            thread.start()
        except RuntimeError:
            self.forget(session)
            raise

    def forget(self, session: Session) -> None:
        """The session's thread is about to end."""
        session.authentication.close()
        with self._lock:
            self._threads.pop(session.number, None)
        self.cores.crowd(len(self._threads))
        self.arrivals.release(session.address)

    def threads(self) -> list[threading.Thread]:
        with self._lock:
            return [thread for _, thread in self._threads.values()]

    def all_sessions(self) -> list[Session]:
        """All connections, registered or not."""
        with self._lock:
            return [session for session, _ in self._threads.values()]

    def connections(self) -> int:
        """How many there are, registered or not."""
        return len(self._threads)

    def line_bucket(self) -> TokenBucket | None:
        limits = self.config.limits
        return TokenBucket(limits.lines_per_second, limits.lines_burst) if limits.throttle else None

    def verifier(self, password: str) -> str:
        """What `AddAccount` and `SetPassword` keep of a password for SCRAM; ``""`` where there is to be none.

        It waits for a turn at the hashes and takes 200 ms: for the operator's threads; a session's has
        `hashing.new_credentials`. Raises `HasherClosed`.
        """
        if not self.scram.enabled:
            return ""
        with self.hasher.turn():
            return self.scram.make(password)

    def host_of(self, address: str, account: str | None) -> str:
        """What others see as somebody's host: never where they are.

        An account has one of its own, so a mask that a client makes of it, such as ``*!*@host``, means nobody else.
        Guests of one address have the same, also after a restart: bans of it would not last otherwise.
        """
        if account is not None:
            return f"user/{account}"
        try:
            network = ip_address(address).packed
        except ValueError:
            network = address.encode()
        return f"guest-{hashlib.blake2b(network, key=self._host_key, digest_size=5).hexdigest()}"

    # -- defects ------------------------------------------------------------------------------------------------------

    def on_error(self, what: str, error: BaseException) -> None:
        """For the operator's eyes: an exception that no client caused.

        That the store can't be written is told every ten seconds at most: it may be the log's disk too.
        """
        if not isinstance(error, NotStored):
            self.log.fault(what, error)
            return
        now = time.monotonic()
        if now - self._not_stored_told >= NOT_STORED_SECONDS:
            self._not_stored_told = now
            self.log.error("not stored", why=str(error))
