"""Everything that a chat on one's own machine needs, in one directory, with one call.

=========================  ====  ====================================================================
file                       mode  what
=========================  ====  ====================================================================
``ca.pem``                 0644  the authority that signs servers; clients trust it (``--ca``)
``ca.key``                 0600  its private key
``client-ca.pem``          0644  the authority that signs clients; the server trusts it
``client-ca.key``          0600  its private key
``server.pem``             0600  the server's key, certificate and chain (``--cert``)
``clients/<account>.pem``  0600  a user's key, certificate and chain
=========================  ====  ====================================================================

Users have a directory of their own, so that one who is called ``ca`` or ``server`` takes nobody's place.
"""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Final

from securechat.pki.authority import DEFAULT_DAYS, Authority, Issued, Purpose, check_days
from securechat.pki.certificate import CertificateInfo
from securechat.pki.errors import AuthorityMissingError, InvalidRequestError
from securechat.pki.files import lock_directory, make_directory
from securechat.pki.names import account_file_name, fold_account, parse_host

ALWAYS: Final = ("localhost", "127.0.0.1", "::1")
"""The hosts that every development server is certified for, besides the machine's name."""


class Outcome(Enum):
    """What became of a file."""

    MADE = "made"
    REPLACED = "replaced"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class CertificateFile:
    """One PEM file, what became of it, and its first certificate."""

    path: Path
    outcome: Outcome
    info: CertificateInfo


@dataclass(frozen=True, slots=True)
class DevelopmentCertificates:
    """What `make_development_certs` made or kept."""

    authority: CertificateFile
    client_authority: CertificateFile
    server: CertificateFile
    clients: tuple[CertificateFile, ...]
    left_out: str | None
    """The machine's name, where that is no host name and could not be certified."""
    cut_short: bool
    """Whether a certificate ends before its ``days``, because its authority does."""

    @property
    def files(self) -> tuple[CertificateFile, ...]:
        """All of them, authorities first."""
        return (self.authority, self.client_authority, self.server, *self.clients)


def make_development_certs(
    directory: Path,
    *,
    hosts: Sequence[str] = (),
    clients: Sequence[str] = (),
    days: int = DEFAULT_DAYS,
    force: bool = False,
    machine: str | None = None,
    now: datetime | None = None,
) -> DevelopmentCertificates:
    """Make what is missing in ``directory``; always a fresh server certificate, and one for each of ``clients``.

    The authorities are kept when they are there, and replaced only with ``force``: everyone who trusted the old ones
    then has to be given the new ones. A certificate that is issued again does not end the one before, which stays
    valid until its own time. Two processes may do this at once in one directory; one waits.

    Args:
        directory: made if it is missing, with those above it.
        hosts: DNS names and IP addresses for the server, besides `ALWAYS` and ``machine``.
        clients: account names; two spellings of one account count once.
        days: how long the certificates live, 1 to `AUTHORITY_DAYS`, but never longer than their authority.
        force: make new authorities in the place of old, broken or expired ones.
        machine: this machine's name; ``socket.gethostname()`` if None.
        now: aware; the clock's time if None.

    Raises:
        InvalidRequestError: a name, the days or the directory can't be used; nothing was written.
        BrokenFilesError: an authority is there and can't be used (half missing, mismatched, expired); nothing was
            written, and ``force`` would help.
        StorageError: the system refused; each file is either as before or complete.
    """
    now = datetime.now(UTC) if now is None else now
    machine = socket.gethostname() if machine is None else machine
    check_days(days)
    for host in hosts:
        parse_host(host)
    accounts: dict[str, str] = {}
    for name in clients:
        accounts.setdefault(fold_account(name), name)
    left_out = None if _is_host(machine) else machine
    all_hosts = [*ALWAYS, *([] if left_out is not None else [machine]), *hosts]

    # Everyone on the machine reads ca.pem here, and the keys protect themselves by their own mode.
    make_directory(directory, 0o755)
    with lock_directory(directory):
        # Both are looked at before anything is written: an error leaves everything as it was.
        kept = {purpose: None if force else _load(directory, purpose, now) for purpose in Purpose}
        authorities = {purpose: authority or Authority.create(purpose, now=now) for purpose, authority in kept.items()}
        server = authorities[Purpose.SERVERS].issue_server(all_hosts, now=now, days=days)
        users = {
            directory / "clients" / account_file_name(name): authorities[Purpose.CLIENTS].issue_client(
                name, now=now, days=days
            )
            for name in accounts.values()
        }
        reports = {}
        for purpose, authority in authorities.items():
            path = purpose.certificate_path(directory)
            outcome = Outcome.KEPT if kept[purpose] else _outcome(path)
            if outcome is not Outcome.KEPT:
                authority.save(directory)
            reports[purpose] = CertificateFile(path, outcome, CertificateInfo.of(authority.certificate))
        if users:
            make_directory(directory / "clients", 0o700)  # who has an account is nobody else's business
        return DevelopmentCertificates(
            authority=reports[Purpose.SERVERS],
            client_authority=reports[Purpose.CLIENTS],
            server=_save(server, directory / "server.pem"),
            clients=tuple(_save(issued, path) for path, issued in users.items()),
            left_out=left_out,
            cut_short=any(
                issued.certificate.not_valid_after_utc < now.replace(microsecond=0) + timedelta(days=days)
                for issued in (server, *users.values())
            ),
        )


def _load(directory: Path, purpose: Purpose, now: datetime) -> Authority | None:
    try:
        return Authority.load(directory, purpose, now=now)
    except AuthorityMissingError:
        return None


def _save(issued: Issued, path: Path) -> CertificateFile:
    outcome = _outcome(path)
    issued.save(path)
    return CertificateFile(path, outcome, CertificateInfo.of(issued.certificate))


def _outcome(path: Path) -> Outcome:
    return Outcome.REPLACED if os.path.lexists(path) else Outcome.MADE


def _is_host(name: str) -> bool:
    try:
        parse_host(name)
    except InvalidRequestError:
        return False
    return True
