"""What the doctor says, and what it looks at in every certificate: its time, its key, whether it is revoked."""

import stat
import sys
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Final

from cryptography import x509

from securechat.pki.bundle import Bundle
from securechat.pki.certificate import CertificateInfo, parse_certificates, spki_fingerprint
from securechat.pki.errors import PKIError
from securechat.pki.files import read_if_there
from securechat.pki.keys import describe_key
from securechat.pki.revocation import RevocationList, revocation_path

SOON: Final = 30
"""Days before its end from which a certificate is worth a warning."""


class Level(Enum):
    """How bad it is."""

    GOOD = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    """A sentence without the full stop."""
    remedy: str = ""
    """What to do, where all is not good and the sentence does not say it."""
    is_end: bool = False
    """Whether it says that the certificate is good no more: expired, or revoked."""


def good(what: str) -> Finding:
    """Looked at, and as it should be."""
    return Finding(Level.GOOD, what)


def warning(what: str, remedy: str) -> Finding:
    """It works, but not for ever, or not as well as it could."""
    return Finding(Level.WARNING, what, remedy)


def wrong(what: str, remedy: str = "", *, is_end: bool = False) -> Finding:
    """Somebody will be turned away, or let in who should not be."""
    return Finding(Level.WRONG, what, remedy, is_end)


def any_wrong(findings: list[Finding]) -> bool:
    """Whether something is."""
    return any(finding.level is Level.WRONG for finding in findings)


def of_time(info: CertificateInfo, name: str, now: datetime, remedy: str) -> Finding:
    """Whether a certificate is within its time, and for how long."""
    if now < info.not_before:
        return wrong(f"{name} is not valid before {info.not_before:%Y-%m-%d %H:%M} UTC", "check this machine's clock")
    if now > info.not_after:
        return wrong(f"{name} expired on {info.not_after:%Y-%m-%d %H:%M} UTC", remedy, is_end=True)
    left = info.days_left(now)
    days = f"{left} day{'' if left == 1 else 's'} left"
    return warning(f"{name} has {days}", remedy) if left < SOON else good(f"{name} has {days}")


def of_key(bundle: Bundle, *, group_may_read: bool) -> list[Finding]:
    """Whether the private key is there, fits, and is nobody else's.

    ``group_may_read``: a key that a group can read is worth a warning only, since some systems let a server read its
    key that way.
    """
    path = bundle.key_path
    try:
        key = bundle.key()
        if key is None or path is None:
            return [wrong(f"the private key of {bundle.path} is not there", "name its file with --key")]
        if spki_fingerprint(key.public_key()) != bundle.info.spki_fingerprint:
            return [wrong(f"the private key in {path} is not that of {bundle.path}", "give the two made together")]
        kind = describe_key(key.public_key())
        return [good(f"the private key in {path} fits ({kind})"), *_of_mode(path, group_may_read)]
    except PKIError as error:
        return [wrong(str(error), "an unencrypted key in PEM form is needed")]
    except OSError as error:
        return [wrong(f"can't look at {path}: {error.strerror}")]


def _of_mode(path: Path, group_may_read: bool) -> list[Finding]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if sys.platform == "win32" or not mode & 0o077:
        return []
    if group_may_read and not mode & 0o037:
        return [warning(f"{path} is a private key that its group can read", f"chmod 600 {path}, if that is not meant")]
    return [wrong(f"{path} is a private key that others can read or change", f"chmod 600 {path}")]


def of_revocation(certificate: x509.Certificate, authority: Path, name: str, remedy: str) -> list[Finding]:
    """Whether the list beside the file of an authority has this certificate on it; nothing if there is no list."""
    path = revocation_path(authority)
    try:
        signer = parse_certificates(read_if_there(authority) or b"", authority)[0]
        revocations = RevocationList.load(path, signer)
    except PKIError as error:
        return [wrong(str(error), f"put the {path.name} there that belongs to {authority}")]
    if revocations is None:
        return []
    since = revocations.revoked(certificate.serial_number)
    if since is not None:
        return [wrong(f"{name} was revoked on {since:%Y-%m-%d %H:%M} UTC", remedy, is_end=True)]
    return [good(f"{name} is not revoked ({path})")]
