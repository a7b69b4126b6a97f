"""Reading the configuration and the certificates again while the server runs, for SIGHUP and for REHASH; and the
certificates alone, when their files have changed (`securechat.server.watching`).

Everything is read and checked before anything changes, so a mistake changes nothing. Then, in this order: the chat gets
its rules as a request, which a full disk may refuse; new connections get the new certificates; the hub gets the new
configuration, which is looked at wherever it is asked for. Nobody is disconnected, but for those whose certificate was
revoked. Each session's own thread brings its client up to date (`keep_up`): with 005, and with CAP NEW and DEL.

What can't change while the server runs stays as it was at the start, and the operator is told so: `FIXED`.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.serialization import Encoding

from securechat.chat.machine import Applied
from securechat.chat.model import Certificate
from securechat.chat.requests import SetRules
from securechat.irc.isupport import changes
from securechat.pki import PKIError, RevocationList
from securechat.server import answers
from securechat.server.anchors import Anchors
from securechat.server.authorities import Authorities, Looks, Places, read_authorities
from securechat.server.config import Config, ConfigError, load, with_options
from securechat.server.crl_numbers import CrlNumbers
from securechat.server.descriptors import make_room
from securechat.server.expiry import warn
from securechat.server.identity import REVOKED, Identities
from securechat.server.rules import rules_of
from securechat.tls.contexts import add_anchor, ask_clients, server_context
from securechat.tls.errors import AnchorRefused, CertificateFileError

if TYPE_CHECKING:
    from securechat.server.hub import Hub
    from securechat.server.session import Session

__all__ = [
    "FIXED",
    "Loaded",
    "ReloadRefusedError",
    "Reloaded",
    "Reloader",
    "Source",
    "keep_up",
    "read_certificates",
]

FIXED: Final = (
    ("server", "name"),
    ("server", "network"),
    ("listen", "host"),
    ("listen", "port"),
    ("store", "data"),
    ("store", "durability"),
    ("search", "enabled"),
    ("accounts", "guests"),
)
"""Tables and keys of what needs a restart: sockets, the store, and what others have been told as a fact."""


SPARE_ANCHORS: Final = 1000
"""So many certificates that are not registered any more are accepted by OpenSSL at most, and as many as there are."""


class ReloadRefusedError(Exception):
    """Nothing was changed; ``str()`` is the sentence that says why, without the full stop and without any secret."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that has been read and checked, and what was in the files that it names.

    ``context``: with the server's certificate; clients are asked for theirs if they are to be. ``looks``: what the
    system said of the files before they were read.
    """

    config: Config
    context: ssl.SSLContext
    authorities: Authorities = field(default_factory=Authorities)
    looks: Looks = field(default_factory=dict)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the operator should be told: sentences."""
        return (*self.config.warnings, *self.authorities.notes)


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What there is to tell about a configuration that is in force now.

    ``warnings``: sentences about it. ``restart``: the keys that have changed and need one, as ``[listen] port``.
    """

    warnings: tuple[str, ...]
    restart: tuple[str, ...]


class Source:
    """How the configuration was given: a file, and the options of the command line, which win over it.

    ``options``: those of `securechat.server.config.with_options`.
    """

    def __init__(self, path: Path | None, **options: Any) -> None:
        self._path = path
        self._options = options

    def read(self) -> Loaded:
        """Read all files.

        Raises:
            ConfigError: the file or the options are wrong, or name no certificate.
            CertificateFileError: the certificate, or its key, can't be used.
        """
        return read_certificates(with_options(load(self._path), **self._options))


def read_certificates(config: Config) -> Loaded:
    """Read the files that a configuration names under ``[tls]``, and those beside them.

    Raises:
        ConfigError: it names no certificate.
        CertificateFileError: a file can't be used.
    """
    places = Places.of(config.tls)
    if places is None:
        raise ConfigError(
            "which certificate? Say --cert FILE, or cert under [tls] in the configuration file; "
            "`securechat certs init` makes certs/server.pem"
        )
    looks = places.look()
    context = server_context(places.cert, config.tls.key)
    authorities = read_authorities(config.tls)
    if config.tls.client_cert != "off":
        ask_clients(context)
        if authorities.clients is not None:
            try:
                add_anchor(context, authorities.clients.public_bytes(Encoding.DER))
            except AnchorRefused as error:
                raise CertificateFileError(f"{places.client_ca} holds a certificate that OpenSSL can't read") from error
    return Loaded(config, context, authorities, looks)


class Reloader:
    """Holds what can be read again. ``loaded``: what the server starts with. ``read``: as `Source.read`. ``numbers``:
    of the lists of revoked certificates that were in force before.

    Any thread may use it, but for those that have the journal's turn.
    """

    def __init__(
        self,
        hub: Hub,
        loaded: Loaded,
        read: Callable[[], Loaded],
        numbers: CrlNumbers,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._hub = hub
        self._read = read
        self._clock = clock
        # One at a time. Held while files are read and the journal is asked; nothing that others wait for is taken
        # before it. Guards the anchors, too.
        self._lock = threading.Lock()
        self._numbers = numbers
        self._put_in_force(loaded, hub.chat.certificates.values())
        self._keep_numbers()

    @property
    def context(self) -> ssl.SSLContext:
        """For new connections."""
        return self._anchors.context

    def warn(self, now: datetime) -> None:
        """Tell in the log of certificates that are about to expire at ``now`` (aware)."""
        warn(self._hub.identities.authorities.ends, now, self._hub.log)

    # -- certificates that people register ----------------------------------------------------------------------------

    def why_unfit(self, der: bytes) -> str:
        """Why a certificate (DER) can't be registered, as a sentence for its owner; empty: it can."""
        with self._lock:
            return self._anchors.why_unfit(der, self._clock())

    def trust(self, der: bytes) -> bool:
        """Have OpenSSL accept a certificate (DER) that was registered, from the next handshake on.

        False if that can't be, for it stands in the way of another that came at the same moment. One that is not
        registered any more is accepted until certificates are read again; whose it is, OpenSSL does not decide.
        """
        with self._lock:
            trusted = self._trust(der)
        self._keep_numbers()
        return trusted

    def _trust(self, der: bytes) -> bool:
        most = 2 * len(self._hub.chat.certificates) + SPARE_ANCHORS
        if self._anchors.number >= most:
            try:
                self._reload_certificates()  # without those that are not registered any more
            except ReloadRefusedError:  # the files are broken, of which the log tells
                return False
        return self._anchors.trust(der)

    # -- certificates that our authority has signed -------------------------------------------------------------------

    def take_list(self, listed: RevocationList, under: Authorities, but: Session | None = None) -> None:
        """Put in force what the authority of clients ``under`` those has just revoked, and end the sessions that show
        it, all ``but`` one. Whatever else lies in the files is read when it is its turn."""
        with self._lock:
            present = self._hub.identities
            if present.authorities.clients_key != under.clients_key:
                return  # it was replaced in this moment, and all that it has signed is void
            was = present.authorities.clients_revoked
            if was is None or was.number < listed.number:  # else one was read meanwhile that has it, too
                authorities = replace(present.authorities, clients_revoked=listed)
                self._numbers.note(authorities)
                self._hub.identities = Identities(present.mode, authorities, self._clock)
            self._end_revoked(but)
        self._keep_numbers()

    # -- reading again ------------------------------------------------------------------------------------------------

    def reload(self, by: str) -> Reloaded:
        """Read everything again and put it in force. ``by``: who wants it, for the log.

        Raises:
            ReloadRefusedError: what was read can't be used, or the chat's rules could not be stored.
        """
        with self._lock:
            try:
                done = self._reload()
            except ReloadRefusedError as refused:
                self._hub.log.warning("configuration refused", by=by, why=str(refused))
                raise
            except Exception as error:  # a defect of ours: the server that runs goes on
                self._hub.on_error("a reload failed", error)
                raise ReloadRefusedError("the server made a mistake, which its log tells of") from error
        self._keep_numbers()
        self._hub.log.info("configuration reloaded", by=by)
        for note in done.warnings:
            self._hub.log.warning("configuration", note=note)
        for key in done.restart:
            self._hub.log.warning("restart needed", key=key)
        self.warn(self._clock())
        return done

    def reload_certificates(self) -> None:
        """Read the certificates again, and what belongs to them, under the configuration that is in force.

        Raises:
            ReloadRefusedError: what was read can't be used; nothing has changed, and the log has not been told.
        """
        with self._lock:
            loaded = self._reload_certificates()
        self._keep_numbers()
        self._hub.log.info("certificates reloaded")
        for note in loaded.authorities.notes:
            self._hub.log.warning("configuration", note=note)
        self.warn(self._clock())

    def _reload(self) -> Reloaded:
        hub = self._hub
        loaded = self._checked(self._read)
        config, restart = _with_fixed(loaded.config, hub.config)
        rules = rules_of(config)
        if rules != rules_of(hub.config):
            (outcome,), _ = hub.journal.ask([SetRules(rules)])
            if not isinstance(outcome, Applied):
                raise ReloadRefusedError(f"the chat can't have new rules: {', '.join(outcome.context)}")
        make_room(config.limits.max_connections)
        self._put_in_force(loaded, self._registered())
        hub.adopt(config)
        for session in hub.all_sessions():
            session.wake()
        return Reloaded(loaded.warnings, restart)

    def _reload_certificates(self) -> Loaded:
        config = self._hub.config
        loaded = self._checked(lambda: read_certificates(config))
        self._put_in_force(loaded, self._registered())
        return loaded

    def _checked(self, read: Callable[[], Loaded]) -> Loaded:
        try:
            loaded = read()
        except (ConfigError, CertificateFileError) as error:
            raise ReloadRefusedError(str(error)) from error
        lost = self._numbers.lost(loaded.authorities)
        if lost is not None:
            raise ReloadRefusedError(lost)
        return loaded

    def _keep_numbers(self) -> None:
        """Without the lock. What can't be written now is with the next reload; it counts while the server runs."""
        try:
            self._numbers.keep()
        except PKIError as error:
            self._hub.log.warning("newest list not remembered", why=str(error))

    def _registered(self) -> Iterable[Certificate]:
        _, registered = self._hub.journal.ask((), lambda chat: tuple(chat.certificates.values()))
        return registered  # type: ignore[return-value]

    def _put_in_force(self, loaded: Loaded, registered: Iterable[Certificate]) -> None:
        """The certificates, that is, for connections that come from now on; who shows a revoked one has to go."""
        hub = self._hub
        anchors = Anchors(loaded.context, loaded.authorities.clients)
        for left_out in anchors.trust_all(registered):
            hub.log.warning("certificate not accepted", fingerprint=left_out.fingerprint)
        self.looks = loaded.looks
        self._anchors = anchors
        self._numbers.note(loaded.authorities)
        hub.identities = Identities(loaded.config.tls.client_cert, loaded.authorities, self._clock)
        self._end_revoked()

    def _end_revoked(self, but: Session | None = None) -> None:
        """Who shows a revoked certificate has to go, all ``but`` one."""
        for session in self._hub.all_sessions():
            # Its own thread looks at what is in force after it has noted its certificate, so none escapes.
            shown = session.certificate
            if session is not but and shown is not None and self._hub.identities.is_revoked(shown):
                session.end(REVOKED)


def keep_up(session: Session, known: Mapping[str, str]) -> None:
    """Bring a client up to date, in its session's own thread. ``known``: the tokens of 005 that it has been told."""
    hub = session.hub
    # Behind what is pending: whoever is registered then has been welcomed, and knows the old tokens.
    session.ask(lambda _: None)
    changed = changes(known, hub.isupport)
    if changed and session.registered:
        session.link.queue(answers.isupport(session, changed))
    if session.caps.offers == hub.offers:
        return

    @cache  # a question may be asked again, where a batch of the journal could not be stored
    def offer() -> None:
        room = 510 - len(session.line(f"CAP {session.nick} "))
        for line in session.caps.offer(hub.offers, room):
            session.link.queue(session.line(f"CAP {session.nick} {' '.join([*line[:-1], ':' + line[-1]])}"))
        session.note_capabilities()

    session.ask(lambda _: offer())  # in the journal's turn: no line of others comes between the two


def _with_fixed(new: Config, old: Config) -> tuple[Config, tuple[str, ...]]:
    """``new`` with what can't change as it is in ``old``, and the keys that would have changed."""
    changed = []
    for table, key in FIXED:
        present = getattr(old, table)
        if getattr(getattr(new, table), key) != getattr(present, key):
            changed.append(f"[{table}] {key}")
            kept: dict[str, Any] = {key: getattr(present, key)}
            tables: dict[str, Any] = {table: replace(getattr(new, table), **kept)}
            new = replace(new, **tables)
    return new, tuple(changed)
