"""A new authority of servers in the place of the old one, which signs it (`succession`), and a certificate by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from securechat.pki.authority import DEFAULT_DAYS, Authority, Purpose
from securechat.pki.certificate import CertificateInfo
from securechat.pki.dev import usual_hosts
from securechat.pki.files import read_if_there, remove, write_private
from securechat.pki.holding import hold, replaced_key_path
from securechat.pki.issuing import CertificateFile, Outcome, save_issued, server_path
from securechat.pki.keys import key_pem
from securechat.pki.revocation import RevocationList, revocation_path
from securechat.pki.succession import appoint, history_path, load_history, save_history


@dataclass(frozen=True, slots=True)
class Replaced:
    """What `replace_authority` did."""

    authority: CertificateFile
    server: CertificateFile
    history: Path
    """The file with the successions."""
    before: CertificateInfo
    """The old authority. Who trusts it can follow to the new one until its end."""


def replace_authority(
    directory: Path, *, now: datetime, hosts: Sequence[str] = (), days: int = DEFAULT_DAYS
) -> Replaced:
    """Make a new authority of servers, have the old one sign it, and put a server certificate by it in `server_path`.

    That is for the hosts of the one that is there (else `usual_hosts`), and for ``hosts``. The old key is gone
    afterwards, and there is no moment after which one can't go on (`holding`). The authority of clients stays.

    Raises:
        AuthorityMissingError: there is none to be replaced.
        BrokenFilesError: as `Authority.load` and `load_history`; also when the old one has expired.
        InvalidRequestError: a host or the days are not acceptable, or we may not write there.
        StorageError: the system refused.
    """
    with hold(directory):
        old = Authority.load(directory, Purpose.SERVERS, now=now)
        new = Authority.create(Purpose.SERVERS, now=now)
        path = Purpose.SERVERS.certificate_path(directory)
        history = history_path(path)
        steps = [*load_history(history), appoint(old, new, now=now)]
        issued = new.issue_server([*_present_hosts(directory), *hosts], now=now, days=days)

        save_history(history, steps, now=now)  # first: who comes to the new authority finds the way to it
        write_private(replaced_key_path(directory), key_pem(old.key))
        new.save(directory)
        server = save_issued(directory, issued, server_path(directory))
        if read_if_there(revocation_path(path)) is not None:
            RevocationList.make(new, now=now).save(revocation_path(path))  # what the old one signed is void anyway
        remove(replaced_key_path(directory))
        return Replaced(
            CertificateFile(path, Outcome.REPLACED, CertificateInfo.of(new.certificate)),
            server,
            history,
            CertificateInfo.of(old.certificate),
        )


def _present_hosts(directory: Path) -> tuple[str, ...]:
    path = server_path(directory)
    return usual_hosts() if read_if_there(path) is None else CertificateInfo.read(path).hosts
