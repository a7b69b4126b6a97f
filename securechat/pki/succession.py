"""How an authority is replaced without anybody having to hand out its certificate again.

The old authority signs the new one's key: a *succession certificate* with the new one's name and key as subject, the
old one as issuer, and an alternative name that says what it is for. Whoever trusts the old one can then find the way to
the new one (`follow`), however often that happened while they were away; a chat keeps them all in ``ca-history.pem``.

Nothing else that an authority signs is a succession. What it signs for servers and users is no authority, and an
intermediate authority, which an authority of somebody else's may well have signed, does not have that alternative name:
to work for an authority is not to take its place.

What it can't do: when the old key was stolen, the thief could appoint a successor too. Then everybody has to be given
the new authority by hand (``securechat certs init --force``).
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from securechat.pki.authority import BACKDATED, Authority, Purpose, key_usage
from securechat.pki.certificate import MALFORMED, parse_certificates, spki_fingerprint
from securechat.pki.errors import InvalidRequestError
from securechat.pki.files import read_if_there, write_public
from securechat.pki.keys import check_public_key

MAX_STEPS: Final = 16
"""Succession certificates that are kept and looked at: with one every half year, eight years of absence."""

_SUCCESSOR: Final = "securechat:successor"
_REFUSED: Final = (*MALFORMED, InvalidSignature, InvalidRequestError, x509.ExtensionNotFound)


def history_path(authority: Path) -> Path:
    """Where the successions that lead to the authority in that file are kept: ``ca-history.pem`` beside ``ca.pem``."""
    return authority.with_name(f"{authority.stem}-history.pem")


def appoint(old: Authority, new: Authority, *, now: datetime) -> x509.Certificate:
    """The succession certificate by which ``old`` says that ``new`` takes its place; good as long as both are.

    Raises:
        BrokenFilesError: ``old`` is not valid at ``now`` (aware).
    """
    if not old.purpose is new.purpose is Purpose.SERVERS:
        raise ValueError("only an authority of servers is trusted by others, and so has successors")
    old.check_time(now)
    now = now.replace(microsecond=0)
    own_id = new.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        x509.CertificateBuilder()
        .subject_name(new.certificate.subject)
        .issuer_name(old.certificate.subject)
        .public_key(new.certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(max(now - BACKDATED, old.certificate.not_valid_before_utc))
        .not_valid_after(min(old.certificate.not_valid_after_utc, new.certificate.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(key_usage(authority=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([old.purpose.usage]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier(_SUCCESSOR)]),
            critical=False,
        )
        .add_extension(own_id, critical=False)
        .add_extension(old.key_identifier(), critical=False)
        .sign(old.key, hashes.SHA256())
    )


def follow(
    pinned: x509.Certificate, offered: Sequence[x509.Certificate], now: datetime
) -> list[x509.Certificate] | None:
    """Find the way from the authority that one trusts to the one that a server has now.

    Everything in ``offered`` may come from an attacker; what is returned was signed by whom one trusts.

    Args:
        pinned: the authority that is trusted so far.
        offered: first the present authority, which signed itself; then succession certificates, in any order.
        now: aware; ``pinned`` and each step have to be valid then.

    Returns:
        The steps in their order, of which the last certifies the name and the key of ``offered[0]``, which may now be
        trusted in the place of ``pinned``. Empty if ``pinned`` is that authority already (the same name and key). None
        if there is no such way, or if more than `MAX_STEPS` steps were offered.
    """
    if not offered or len(offered) > 1 + MAX_STEPS:
        return None
    present, *candidates = offered
    try:
        wanted = _identity(present)
        if not (_can_sign(pinned, now) and _can_sign(present, now)):
            return None
        path = _path(pinned, wanted, candidates, now)
        if path is None:
            return None
        # Last, so that only signatures of keys are checked that somebody whom we trust has vouched for.
        present.verify_directly_issued_by(present)
    except _REFUSED:
        return None
    return path


def load_history(path: Path) -> list[x509.Certificate]:
    """The succession certificates in a file, the oldest first; none if there is no such file.

    Raises:
        BrokenFilesError: it is there and holds none, or one that can't be read.
        StorageError: it is there and can't be read.
    """
    data = read_if_there(path)
    return [] if data is None else parse_certificates(data, path)


def save_history(path: Path, steps: Sequence[x509.Certificate], *, now: datetime) -> None:
    """Write the last `MAX_STEPS` of those that are still good at ``now``; errors as `write_public`."""
    good = [step for step in steps if now <= step.not_valid_after_utc]
    write_public(path, b"".join(step.public_bytes(Encoding.PEM) for step in good[-MAX_STEPS:]))


def _path(
    pinned: x509.Certificate,
    wanted: tuple[x509.Name, str],
    candidates: Sequence[x509.Certificate],
    now: datetime,
) -> list[x509.Certificate] | None:
    """Breadth first, so the shortest; each certificate is used once, so that circles end."""
    if _identity(pinned) == wanted:
        return []
    left = list(candidates)
    paths: list[list[x509.Certificate]] = [[]]
    while paths:
        path = paths.pop(0)
        issuer = path[-1] if path else pinned
        steps = [step for step in left if _is_step(step, issuer, now)]
        for step in steps:
            if _identity(step) == wanted:
                return [*path, step]
            left.remove(step)
            paths.append([*path, step])
    return None


def _is_step(step: x509.Certificate, issuer: x509.Certificate, now: datetime) -> bool:
    """Whether ``issuer``, which is trusted, says with ``step`` that somebody takes its place."""
    try:
        step.verify_directly_issued_by(issuer)
        names = step.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        return len(list(names)) == 1 and uris == [_SUCCESSOR] and _can_sign(step, now)
    except _REFUSED:
        return False


def _can_sign(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether it is an authority of servers, at this time, whose key can be used."""
    extensions = certificate.extensions
    check_public_key(certificate.public_key())
    try:
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.SERVER_AUTH not in usages:
            return False
    except x509.ExtensionNotFound:
        pass  # good for anything
    return (
        extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        and extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
        and certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
    )


def _identity(certificate: x509.Certificate) -> tuple[x509.Name, str]:
    return certificate.subject, spki_fingerprint(certificate.public_key())
