"""Trying a server's certificate as a client would: with a real TLS 1.3 handshake, in memory or with a running server.

The context is the client's own, made by whoever calls; so what is found out is what its users will meet. A connection
that is not verified is made only to look at what a server shows, and nothing is ever sent over it.
"""

import socket
import ssl
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from securechat.pki.bundle import Bundle
from securechat.pki.certificate import MALFORMED

TIMEOUT: Final = 10.0
"""Seconds for a connection, and again for its handshake."""

# X509_V_ERR_* of OpenSSL's x509_vfy.h, which SSLCertVerificationError has as verify_code.
_EXPIRED: Final = frozenset({9, 10})
_OTHER_NAME: Final = frozenset({62, 64})
_UNKNOWN: Final = frozenset({2, 7, 18, 19, 20, 21, 27})
_NOT_FOR_SERVERS: Final = 26
_MAKE_ANOTHER: Final = "`securechat certs init` makes what can be used"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a client says to a server's certificate: all is well if ``problem`` is empty."""

    problem: str = ""
    remedy: str = ""
    dates: bool = False
    """Whether it is about dates, which may be those of any certificate in the chain."""


def judge(bundle: Bundle, context: ssl.SSLContext, host: str, authority: str) -> Verdict:
    """Have a client with ``context`` connect as to ``host`` to a server with the certificate and key of ``bundle``.

    Both are in this process, and no socket is opened. ``authority`` is what people call whom the context trusts.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        server.load_cert_chain(bundle.path, bundle.key_path, password="")  # so that OpenSSL never asks for one
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return Verdict(f"it can't be used for TLS 1.3 ({reason})", _MAKE_ANOTHER)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        client = context.wrap_bio(to_client, to_server, server_hostname=host)
    except ValueError:  # a name of labels that are too long, or with a dot in front
        return Verdict(f"{host!r} is not a name that anybody can connect to", "name another")
    ends = [client, server.wrap_bio(to_server, to_client, server_side=True)]
    for _ in range(8):  # more often than TLS has flights
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return explain(error, host, authority)
            except ssl.SSLError as error:
                return Verdict(f"a handshake with it fails ({error.reason or error})", _MAKE_ANOTHER)
    return Verdict()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a running server showed."""

    problem: str = ""
    """Why there was no connection that a client would use; empty if there was one."""
    remedy: str = ""
    cipher: str = ""
    """Of the connection, in TLS 1.3."""
    certificate: x509.Certificate | None = None
    """Its certificate, verified only if there is no problem."""
    old_tls: bool = False
    """Whether it speaks TLS 1.2 as well."""
    dates: bool = False


def look(address: str, port: int, host: str, context: ssl.SSLContext, authority: str) -> Seen:
    """Connect to a server as a client with ``context`` that wants to speak with ``host``, and once more for what it
    would show to others. ``authority`` is what people call whom the context trusts."""
    try:
        cipher, certificate = _connect(address, port, host, context)
    except ssl.SSLCertVerificationError as error:
        verdict = explain(error, host, authority)
        return Seen(
            verdict.problem,
            verdict.remedy,
            certificate=_shown(address, port, host),
            old_tls=_speaks_old_tls(address, port, host),
            dates=verdict.dates,
        )
    except (ssl.SSLError, ConnectionError, TimeoutError) as error:
        if isinstance(error, ConnectionRefusedError):
            return Seen(f"nothing listens at {_place(address, port)}", "start the server, or check address and port")
        if _speaks_old_tls(address, port, host):
            return Seen("it does not speak TLS 1.3, and securechat speaks nothing older", "switch TLS 1.3 on")
        what = "did not answer in time" if isinstance(error, TimeoutError) else "does not speak TLS"
        return Seen(f"what listens at {_place(address, port)} {what}", "check address and port")
    except OSError as error:
        reason = error.strerror or str(error)
        return Seen(f"can't connect to {_place(address, port)}: {reason}", "check address and port")
    except ValueError:  # UnicodeError too
        return Seen(f"{address!r} is not a host", "check address and port")
    return Seen(cipher=cipher, certificate=certificate, old_tls=_speaks_old_tls(address, port, host))


def explain(error: ssl.SSLCertVerificationError, host: str, authority: str) -> Verdict:
    """What the refusal of a certificate means, for whoever runs the server."""
    code: int = getattr(error, "verify_code", 0)
    if code in _EXPIRED:
        return Verdict("it, or what signed it, is out of its time", "renew what has expired", dates=True)
    if code in _OTHER_NAME:
        return Verdict(
            f"it is not for {host}",
            f"connect under a name that it has, or make one: `securechat certs issue --server --host {host}`",
        )
    if code in _UNKNOWN:
        return Verdict(
            f"it is not signed by {authority}",
            "`securechat certs renew server` makes one that is; with a public certificate give the whole chain "
            "(fullchain.pem), and no ca.pem",
        )
    if code == _NOT_FOR_SERVERS:
        return Verdict("it, or what signed it, is not for servers", "`securechat certs renew server` makes one that is")
    detail = getattr(error, "verify_message", "") or "it could not be verified"
    return Verdict(f"clients that keep to RFC 5280 refuse it: {detail}", _MAKE_ANOTHER)


def _connect(address: str, port: int, host: str, context: ssl.SSLContext) -> tuple[str, x509.Certificate | None]:
    with (
        socket.create_connection((address, port), TIMEOUT) as raw,
        context.wrap_socket(raw, server_hostname=host) as link,
    ):
        cipher, der = link.cipher(), link.getpeercert(binary_form=True)
    try:
        certificate = x509.load_der_x509_certificate(der) if der else None
    except MALFORMED:  # OpenSSL reads more than cryptography does
        certificate = None
    return (cipher[0] if cipher else ""), certificate


def _shown(address: str, port: int, host: str) -> x509.Certificate | None:
    try:
        return _connect(address, port, host, _looking())[1]
    except (OSError, ValueError):
        return None


def _speaks_old_tls(address: str, port: int, host: str) -> bool:
    context = _looking()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        _connect(address, port, host, context)
    except (OSError, ValueError):
        return False
    return True


def _looking() -> ssl.SSLContext:
    """For looking only: it verifies nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
