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
``issued/<serial>.pem``    0644  a copy, without the key, of everything that was issued, for its owner only
``ca.crl``                 0644  which servers' certificates are revoked, once there is one; for everybody
``client-ca.crl``          0644  which users' are; for the server
``ca-history.pem``         0644  how the present authority of servers took the place of those before it
=========================  ====  ====================================================================

Users have a directory of their own, so that one who is called ``ca`` or ``server`` takes nobody's place.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from securechat.pki.authority import DEFAULT_DAYS, Authority, Purpose, check_days
from securechat.pki.certificate import CertificateInfo
from securechat.pki.errors import AuthorityMissingError, InvalidRequestError
from securechat.pki.files import make_directory, remove
from securechat.pki.holding import hold
from securechat.pki.issuing import CertificateFile, Outcome, client_path, outcome_of, save_issued, server_path
from securechat.pki.names import fold_account, parse_host
from securechat.pki.revocation import revocation_path
from securechat.pki.succession import history_path

ALWAYS: Final = ("localhost", "127.0.0.1", "::1")
"""The hosts that every development server is certified for, besides the machine's name."""


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
    all_hosts = [*usual_hosts(machine), *hosts]

    # Everyone on the machine reads ca.pem here, and the keys protect themselves by their own mode.
    make_directory(directory, 0o755)
    with hold(directory):
        # Both are looked at before anything is written: an error leaves everything as it was.
        kept = {purpose: None if force else _load(directory, purpose, now) for purpose in Purpose}
        authorities = {purpose: authority or Authority.create(purpose, now=now) for purpose, authority in kept.items()}
        server = authorities[Purpose.SERVERS].issue_server(all_hosts, now=now, days=days)
        users = {
            client_path(directory, name): authorities[Purpose.CLIENTS].issue_client(name, now=now, days=days)
            for name in accounts.values()
        }
        reports = {}
        for purpose, authority in authorities.items():
            path = purpose.certificate_path(directory)
            outcome = Outcome.KEPT if kept[purpose] else outcome_of(path)
            if outcome is not Outcome.KEPT:
                authority.save(directory)
                for of_the_old in (revocation_path(path), history_path(path)):
                    remove(of_the_old)
            reports[purpose] = CertificateFile(path, outcome, CertificateInfo.of(authority.certificate))
        if users:
            make_directory(directory / "clients", 0o700)  # who has an account is nobody else's business
        return DevelopmentCertificates(
            authority=reports[Purpose.SERVERS],
            client_authority=reports[Purpose.CLIENTS],
            server=save_issued(directory, server, server_path(directory)),
            clients=tuple(save_issued(directory, issued, path) for path, issued in users.items()),
            left_out=left_out,
            cut_short=any(
                issued.certificate.not_valid_after_utc < now.replace(microsecond=0) + timedelta(days=days)
                for issued in (server, *users.values())
            ),
        )


def usual_hosts(machine: str | None = None) -> tuple[str, ...]:
    """`ALWAYS`, and the name of this machine (None: as it calls itself) where that is a host name."""
    machine = socket.gethostname() if machine is None else machine
    return (*ALWAYS, machine) if _is_host(machine) else ALWAYS


def _load(directory: Path, purpose: Purpose, now: datetime) -> Authority | None:
    try:
        return Authority.load(directory, purpose, now=now)
    except AuthorityMissingError:
        return None


def _is_host(name: str) -> bool:
    try:
        parse_host(name)
    except InvalidRequestError:
        return False
    return True
