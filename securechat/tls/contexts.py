"""TLS contexts for both ends, and every mistake with certificate files told before the first connection.

OpenSSL says "[SSL] PEM lib" to most that can be wrong with a file; so the files are read and judged here first, with
words that name the file and what to do. TLS 1.3 is the only version (RFC 8446), which has neither compression nor
renegotiation.

``ssl.create_default_context`` is not used: it writes session secrets to the file that ``SSLKEYLOGFILE`` names, and what
it sets differs from one Python to the next.
"""

import ssl
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from securechat.tls.errors import AnchorRefused, CertificateFileError

_SERVER_REMEDY: Final = "`securechat certs init` makes one"
_SERVER_RENEWAL: Final = "`securechat certs renew server` makes another"
_AUTHORITY_REMEDY: Final = "get the server's ca.pem from whoever runs it"
_CLIENT_REMEDY: Final = "get one from whoever runs the server"
_NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h, which Python has no name for
_MALFORMED: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)  # what cryptography raises for one that is not well-formed


def server_context(cert_file: Path, key_file: Path | None = None, *, now: datetime | None = None) -> ssl.SSLContext:
    """A context for the server's side, with its certificate, chain and key loaded.

    Build a new one, and use it for new connections, when the files have changed.

    Args:
        cert_file: PEM: the server's certificate, then what leads to its authority; the key too unless ``key_file``.
        key_file: PEM: the private key, not encrypted.
        now: aware; when the certificate has to be valid; the clock's time if None.

    Raises:
        CertificateFileError: a file is missing, unreadable, not PEM, without key, encrypted; the key is another's; the
            certificate has expired, is not valid yet, or is for clients.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _require_modern(context)
    # A ticket is a record more per handshake, and lets a client in again without showing its certificate; nobody here
    # reconnects so often that a full handshake would matter.
    context.num_tickets = 0
    _load_identity(context, cert_file, key_file, ExtendedKeyUsageOID.SERVER_AUTH, _SERVER_REMEDY, now)
    return context


def ask_clients(context: ssl.SSLContext, anchors: Iterable[bytes] = ()) -> None:
    """Have a server's context ask its clients for a certificate; one that shows none may come all the same.

    OpenSSL then sees to it that the client has the key of what it shows, and that this is among the ``anchors`` (DER)
    or signed by one of them; otherwise it ends the handshake with an alert. **That is no proof of who it is**, for an
    anchor may be anybody's own, and able to sign. Nor does OpenSSL look at the time here: who judges the certificate
    afterwards can tell its owner in words that it has expired, and an alert could not.

    Raises:
        AnchorRefused: OpenSSL can't read one of them.
    """
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    for anchor in anchors:
        add_anchor(context, anchor)


def add_anchor(context: ssl.SSLContext, der: bytes) -> None:
    """Have a context in use trust one more certificate, from its next handshake on.

    Any thread may do it: OpenSSL guards the store of certificates that all connections of a context share with a lock
    of its own. One that is there already is none more.

    Raises:
        AnchorRefused: OpenSSL can't read it.
    """
    try:
        context.load_verify_locations(cadata=der)
    except (ssl.SSLError, ValueError) as error:
        raise AnchorRefused("OpenSSL can't read that certificate") from error


def client_context(
    ca: Path | x509.Certificate | None,
    client_cert: Path | None = None,
    *,
    crl: bytes | None = None,
    now: datetime | None = None,
) -> ssl.SSLContext:
    """A context for the client's side, which accepts only a server that it can verify, under the name it asked for.

    Args:
        ca: a file, PEM: the authorities to trust, and no others; or the one that is at hand. They have to keep to
            RFC 5280 (``VERIFY_X509_STRICT``). None trusts the system's, among which are old ones that do not.
        client_cert: PEM: key, certificate and chain to show to a server that asks.
        crl: PEM or DER: the list of what an authority of ``ca`` has revoked (RFC 5280 section 5). With one, a
            server that it has no say about is not accepted either: it has to be signed by that authority itself.
        now: aware; when the files have to be valid; the clock's time if None.

    Raises:
        CertificateFileError: a file is missing, unreadable, empty or not PEM; all authorities have expired; ``crl`` is
            no list, or by none of them; or, for ``client_cert``, as for `server_context`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies the certificate and the host name
    _require_modern(context)
    context.hostname_checks_common_name = False  # RFC 9525 section 2: only the alternative names count
    if ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # a default from Python 3.13 on
        if isinstance(ca, x509.Certificate):
            add_anchor(context, ca.public_bytes(Encoding.DER))
        else:
            _load_authorities(context, ca, now)
    if crl is not None:
        _load_revocations(context, crl)
    if client_cert is not None:
        _load_identity(context, client_cert, None, ExtendedKeyUsageOID.CLIENT_AUTH, _CLIENT_REMEDY, now)
    return context


def _require_modern(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED  # whatever the system's openssl.cnf says


def _load_authorities(context: ssl.SSLContext, ca_file: Path, now: datetime | None) -> None:
    data = _read(ca_file, _AUTHORITY_REMEDY)
    _require_certificate(data, ca_file, _AUTHORITY_REMEDY)
    try:
        context.load_verify_locations(cadata=data.decode("ascii", "ignore"))  # only comments are not ASCII
    except (ssl.SSLError, ValueError) as error:
        raise CertificateFileError(f"{ca_file} holds a certificate that is damaged: {_AUTHORITY_REMEDY}") from error
    # OpenSSL, not cryptography, reads these: bundles hold old authorities that only it puts up with. Some may have
    # expired; they do no harm while another is good.
    moment = (now or datetime.now(UTC)).timestamp()
    authorities = context.get_ca_certs()
    starts = [ssl.cert_time_to_seconds(str(authority["notBefore"])) for authority in authorities]
    ends = [ssl.cert_time_to_seconds(str(authority["notAfter"])) for authority in authorities]
    if ends and max(ends) < moment:
        raise CertificateFileError(f"{ca_file} expired on {_date(max(ends))}: {_AUTHORITY_REMEDY}")
    if starts and min(starts) > moment:
        raise CertificateFileError(f"{ca_file} is not valid before {_date(min(starts))}: check this machine's clock")


def _load_revocations(context: ssl.SSLContext, crl: bytes) -> None:
    try:
        load = x509.load_pem_x509_crl if b"-----BEGIN" in crl else x509.load_der_x509_crl
        revoked = load(crl)
        authorities = [x509.load_der_x509_certificate(der) for der in context.get_ca_certs(binary_form=True)]
        issuers = [authority for authority in authorities if authority.subject == revoked.issuer]
        ours = any(revoked.is_signature_valid(authority.public_key()) for authority in issuers)  # type: ignore[arg-type]
    except _MALFORMED as error:
        raise CertificateFileError(f"the list of revoked certificates is damaged: {_AUTHORITY_REMEDY}") from error
    if not ours:
        raise CertificateFileError("the list of revoked certificates is by none of the authorities that are trusted")
    # Python hands OpenSSL such lists only in files.
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "revoked.crl")
        path.write_bytes(revoked.public_bytes(Encoding.PEM))
        context.load_verify_locations(path)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _load_identity(
    context: ssl.SSLContext,
    cert_file: Path,
    key_file: Path | None,
    usage: x509.ObjectIdentifier,
    remedy: str,
    now: datetime | None,
) -> None:
    data = _read(cert_file, remedy)
    certificate = _parse_certificates(data, cert_file, remedy)[0]
    _check_key(certificate, cert_file, data, key_file)
    renewal = _SERVER_RENEWAL if usage == ExtendedKeyUsageOID.SERVER_AUTH else remedy
    _check_time(certificate, cert_file, now or datetime.now(UTC), renewal)
    _check_usage(certificate, cert_file, usage, remedy)
    try:
        # With a password at hand OpenSSL never asks for one on the terminal, should the file have changed meanwhile.
        context.load_cert_chain(cert_file, key_file, password="")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise CertificateFileError(f"{cert_file} can't be used for TLS 1.3 ({reason})") from error


def _read(path: Path, remedy: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CertificateFileError(f"{path} does not exist: {remedy}") from error
    except PermissionError as error:
        raise CertificateFileError(f"{path} can't be read by this user: check its owner and mode") from error
    except OSError as error:
        raise CertificateFileError(f"{path} can't be read: {error.strerror}") from error


def _require_certificate(data: bytes, path: Path, remedy: str) -> None:
    if b"-----BEGIN CERTIFICATE-----" not in data:
        what = "holds no certificate in PEM form" if data.strip() else "is empty"
        raise CertificateFileError(f"{path} {what}: {remedy}")


def _parse_certificates(data: bytes, path: Path, remedy: str) -> list[x509.Certificate]:
    _require_certificate(data, path, remedy)
    try:
        return x509.load_pem_x509_certificates(data)
    except _MALFORMED as error:
        raise CertificateFileError(f"{path} holds a certificate that is damaged: {remedy}") from error


def _check_key(certificate: x509.Certificate, cert_file: Path, cert_data: bytes, key_file: Path | None) -> None:
    """Refuse a missing, encrypted or damaged private key, and one that belongs to another certificate."""
    path = key_file or cert_file
    data = cert_data if key_file is None else _read(key_file, "name the file of the certificate's private key")
    if b"PRIVATE KEY-----" not in data:
        advice = "" if key_file else ", and no other file was named for it: give one that has both, or name the key's"
        raise CertificateFileError(f"{path} holds no private key{advice}")
    try:
        key = load_pem_private_key(data, password=None)
        matches = _spki(key.public_key()) == _spki(certificate.public_key())
    except TypeError as error:
        raise CertificateFileError(
            f"the private key in {path} is encrypted: decrypt it with openssl pkey, and keep the file at mode 0600"
        ) from error
    except _MALFORMED as error:
        raise CertificateFileError(f"the private key in {path} is damaged, or of an unknown kind") from error
    if not matches:
        raise CertificateFileError(
            f"the private key in {path} does not belong to the (first) certificate in {cert_file}: "
            "give the two that were made together"
        )


def _spki(key: PublicKeyTypes | CertificatePublicKeyTypes) -> bytes:
    """A public key in the one form in which two can be compared, whatever their kind."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _check_time(certificate: x509.Certificate, path: Path, now: datetime, remedy: str) -> None:
    if now < certificate.not_valid_before_utc:
        start = _date(certificate.not_valid_before_utc.timestamp())
        raise CertificateFileError(f"{path} is not valid before {start}: check this machine's clock")
    if now > certificate.not_valid_after_utc:
        end = _date(certificate.not_valid_after_utc.timestamp())
        raise CertificateFileError(f"{path} expired on {end}: {remedy}")


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def _check_usage(certificate: x509.Certificate, path: Path, usage: x509.ObjectIdentifier, remedy: str) -> None:
    """Refuse a client's certificate on a server and the reverse (RFC 5280 section 4.2.1.12): no peer would take it."""
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return  # good for anything
    except _MALFORMED as error:
        raise CertificateFileError(f"{path} holds a certificate that is damaged: {remedy}") from error
    if usage not in usages and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in usages:
        side = "servers" if usage == ExtendedKeyUsageOID.SERVER_AUTH else "clients"
        raise CertificateFileError(f"{path} is not a certificate for {side}: {remedy}")
