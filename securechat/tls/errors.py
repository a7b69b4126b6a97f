"""What goes wrong before a TLS connection stands, in words for the person who has to do something about it.

::

    TLSError
    ├── CertificateFileError          our own file is missing, unreadable, expired, ...
    ├── AnchorRefused                 a certificate that was to be trusted can't be read
    ├── ServerUnverified              the other end is not shown to be the server that was asked for
    │   ├── UnknownAuthority
    │   ├── WrongHostName
    │   ├── CertificateExpired        or not valid yet
    │   └── CertificateRevoked        taken back by its authority
    └── HandshakeFailed               not TLS, no TLS 1.3, hung up, an alert
        └── ClientCertificateRefused  the server wants one, or not the one that it got

``str()`` of each is one sentence (or two) without the full stop. `explain_handshake` makes the client's from what
Python's ``ssl`` raises.
"""

import ssl
from typing import Final


class TLSError(Exception):
    """The base of all that this package raises on purpose."""


class CertificateFileError(TLSError):
    """A certificate or key file of our own can't be used: the operator's (or user's) to put right."""


class AnchorRefused(TLSError):  # noqa: N818
    """A certificate that was to be trusted is none that OpenSSL can read."""


class ServerUnverified(TLSError):  # noqa: N818  (reads as what happened, and so do its children)
    """The server's certificate does not prove that this is the server which was asked for."""


class UnknownAuthority(ServerUnverified):
    """It is signed by nobody whom we trust, or by itself."""


class WrongHostName(ServerUnverified):
    """It is good, but for other names."""


class CertificateExpired(ServerUnverified):
    """It is valid no more, or not yet."""


class CertificateRevoked(ServerUnverified):
    """Its authority has taken it back: whoever shows it may have stolen it."""


class HandshakeFailed(TLSError):  # noqa: N818
    """There was no TLS 1.3 connection, for another reason than the server's certificate."""


class ClientCertificateRefused(HandshakeFailed):
    """The server wants a client certificate and got none, or does not accept the one that it got."""


# X509_V_ERR_* of OpenSSL's x509_vfy.h, which SSLCertVerificationError has as verify_code.
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_REVOKED: Final = 23
_NO_LIST: Final = frozenset({3, 11, 12, 35})  # of revoked certificates: none, not valid yet, expired, not for signing
_HOST_MISMATCH: Final = frozenset({62, 64})  # a DNS name, an IP address
_UNKNOWN_AUTHORITY: Final = frozenset(
    {
        2,  # the issuer's certificate is not there
        7,  # the signature is not by the authority of that name which we have
        18,  # signed by itself
        19,  # the chain ends in an authority that signed itself, and that we do not have
        20,  # the issuer is not there, nor among ours
        21,  # the same, seen from the server's certificate alone
        27,  # an authority that we have, and distrust
    }
)

# The names that OpenSSL 1.1.1 to 3.5 gives to the reasons, as Python shows them in SSLError.reason.
_NO_TLS_1_3: Final = frozenset(
    {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "INAPPROPRIATE_FALLBACK"}
    | {"WRONG_SSL_VERSION", "TLSV1_ALERT_INAPPROPRIATE_FALLBACK"}
)
_NOT_TLS: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"}
    | {"BAD_RECORD_TYPE", "RECORD_LAYER_FAILURE", "NOT_SSL_RECORD_LAYER", "BAD_PACKET"}
)
_WANTS_CLIENT_CERTIFICATE: Final = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
# Alerts (RFC 8446 section 6.2) that in TLS 1.3 a server sends only about what the client showed of itself.
_REFUSED_CLIENT_CERTIFICATE: Final = {
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know the authority that signed it; come without it and register it with "
    "/cert add, or ask who runs the server for one",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it takes it for damaged",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it is not a certificate for clients",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it was revoked",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it gave no reason",
    "TLSV1_ALERT_ACCESS_DENIED": "it may not come in",
}


def explain_handshake(error: OSError, host: str) -> TLSError:
    """Say what a failed handshake means to the one who wanted to connect to ``host``.

    For the client's side, and for all that ``ssl`` and the socket raise (``SSLError`` is an ``OSError``) during the
    handshake *and at the first read after it*: in TLS 1.3 the server judges the client's certificate when the client's
    handshake is already over (RFC 8446 section 4.4.2.4). Raise the answer ``from error``; it names ``host`` as given.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return _unverified(error, host)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        return HandshakeFailed(
            f"{host} hung up before the connection was secure: perhaps not the port for TLS, or the server is busy"
        )
    if isinstance(error, TimeoutError):
        return HandshakeFailed(f"{host} did not finish the TLS handshake in time: perhaps this is not the port for TLS")
    if isinstance(error, ssl.SSLError):
        return _failed(getattr(error, "reason", None) or "", host)
    return HandshakeFailed(f"the connection to {host} failed: {error.strerror or error}")


def _unverified(error: ssl.SSLCertVerificationError, host: str) -> ServerUnverified:
    code: int = getattr(error, "verify_code", 0)  # OpenSSL's errors have it, one made by hand does not
    if code == _NOT_YET_VALID:
        return CertificateExpired(
            f"the certificate of {host} is not valid yet: check the clock of this machine, then ask who runs the server"
        )
    if code == _EXPIRED:
        return CertificateExpired(
            f"the certificate of {host}, or its authority's, has expired: "
            "who runs the server has to renew it (and check the clock of this machine)"
        )
    if code == _REVOKED:
        return CertificateRevoked(
            f"the certificate of {host} was revoked by its authority, so whoever answers there may not be the server: "
            "ask who runs it, by another way than this one"
        )
    if code in _NO_LIST:
        return ServerUnverified(
            f"whether the certificate of {host} was revoked can't be told, for the list of revoked ones that is kept "
            "here is not (or no longer) good for it: ask who runs the server"
        )
    if code in _HOST_MISMATCH:
        return WrongHostName(
            f"the server has a certificate, but not for {host}: "
            "connect under the name that it was made for, or have this one added"
        )
    if code in _UNKNOWN_AUTHORITY:
        return UnknownAuthority(
            f"the certificate of {host} is signed by nobody who is trusted here: "
            "get the server's ca.pem from whoever runs it, and name it with --ca"
        )
    detail = getattr(error, "verify_message", "") or "it could not be verified"
    return ServerUnverified(f"the certificate of {host} is not acceptable: {detail}")


def _failed(reason: str, host: str) -> HandshakeFailed:
    if reason in _NO_TLS_1_3:
        return HandshakeFailed(f"{host} does not speak TLS 1.3, and securechat speaks nothing older")
    if reason in _NOT_TLS:
        return HandshakeFailed(f"what answers at {host} does not speak TLS: check the port")
    if reason == _WANTS_CLIENT_CERTIFICATE:
        return ClientCertificateRefused(f"the server wants a client certificate: name yours, for {host}, with --cert")
    if why := _REFUSED_CLIENT_CERTIFICATE.get(reason):
        return ClientCertificateRefused(f"{host} refused the client certificate: {why}")
    return HandshakeFailed(f"the TLS handshake with {host} failed ({reason or 'no reason given'})")
