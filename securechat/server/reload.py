"""Reading the configuration and the certificate again while the server runs, for SIGHUP and for REHASH.

Everything is read and checked before anything changes, so a mistake changes nothing. Then, in this order: the chat gets
its rules as a request, which a full disk may refuse; new connections get the new certificate; the hub gets the new
configuration, which is looked at wherever it is asked for. Nobody is disconnected. Each session's own thread brings
its client up to date (`keep_up`): with 005, and with CAP NEW and DEL.

What can't change while the server runs stays as it was at the start, and the operator is told so: `FIXED`.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from securechat.chat.machine import Applied
from securechat.chat.requests import SetRules
from securechat.irc.isupport import changes
from securechat.server import answers
from securechat.server.config import Config, ConfigError, load, with_options
from securechat.server.descriptors import make_room
from securechat.server.rules import rules_of
from securechat.tls.contexts import server_context
from securechat.tls.errors import CertificateFileError

if TYPE_CHECKING:
    from securechat.server.hub import Hub
    from securechat.server.session import Session

__all__ = ["FIXED", "Loaded", "ReloadRefusedError", "Reloaded", "Reloader", "Source", "keep_up"]

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


class ReloadRefusedError(Exception):
    """Nothing was changed; ``str()`` is the sentence that says why, without the full stop and without any secret."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that has been read and checked, and the context with its certificate."""

    config: Config
    context: ssl.SSLContext


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
        config = with_options(load(self._path), **self._options)
        if config.tls.cert is None:
            raise ConfigError(
                "which certificate? Say --cert FILE, or cert under [tls] in the configuration file; "
                "python scripts/gen_certs.py makes certs/server.pem"
            )
        context = server_context(config.tls.cert, config.tls.key)
        key = config.tls.key or config.tls.cert
        with contextlib.suppress(OSError):  # it was read a moment ago; who has taken it away since will hear of it
            if key.stat().st_mode & 0o007:
                note = f"others can read {key}, which holds the private key: chmod 600 it"
                config = replace(config, warnings=(*config.warnings, note))
        return Loaded(config, context)


class Reloader:
    """Holds what can be read again. ``read``: as `Source.read`. Any thread may use it."""

    def __init__(self, hub: Hub, context: ssl.SSLContext, read: Callable[[], Loaded]) -> None:
        self._hub = hub
        self._read = read
        self.context = context
        """For new connections."""
        # One at a time. Held while files are read and the journal is asked; nothing that others wait for is taken
        # before it.
        self._lock = threading.Lock()

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
        self._hub.log.info("configuration reloaded", by=by)
        for note in done.warnings:
            self._hub.log.warning("configuration", note=note)
        for key in done.restart:
            self._hub.log.warning("restart needed", key=key)
        return done

    def _reload(self) -> Reloaded:
        hub = self._hub
        try:
            loaded = self._read()
        except (ConfigError, CertificateFileError) as error:
            raise ReloadRefusedError(str(error)) from error
        config, restart = _with_fixed(loaded.config, hub.config)
        rules = rules_of(config)
        if rules != rules_of(hub.config):
            (outcome,), _ = hub.journal.ask([SetRules(rules)])
            if not isinstance(outcome, Applied):
                raise ReloadRefusedError(f"the chat can't have new rules: {', '.join(outcome.context)}")
        make_room(config.limits.max_connections)
        self.context = loaded.context
        hub.adopt(config)
        for session in hub.all_sessions():
            session.wake()
        return Reloaded(config.warnings, restart)


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
