"""What follows a client's TLS handshake: a look at its certificate; or why it failed, in words for the log.

Most of what a client does not like about a server only the client can tell its user; but who runs the server is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from securechat.server.identity import UnreadableCertificateError
from securechat.tls.link import HandshakeTimeout

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["note_certificate", "refuse", "why_it_failed"]

_NO_TLS: Final = "the client does not speak TLS"
_TOO_OLD: Final = "the client does not speak TLS 1.3"

# The names that Python gives to OpenSSL's reasons. Alerts are the client's words (RFC 8446 section 6.2).
_WORDS: Final = {
    "TLSV1_ALERT_UNKNOWN_CA": "the client does not trust the authority that signed this server's certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the client did not find the host name that it asked for in this server's "
    "certificate, or takes the certificate for damaged",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the client says that this server's certificate has expired",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the client does not accept this server's certificate",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "the client says that this server's certificate is not one for servers",
    "UNSUPPORTED_PROTOCOL": _TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _TOO_OLD,
    "VERSION_TOO_LOW": _TOO_OLD,
    "UNKNOWN_PROTOCOL": _NO_TLS,
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "HTTP_REQUEST": _NO_TLS,
    "HTTPS_PROXY_REQUEST": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "BAD_RECORD_TYPE": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "CERTIFICATE_VERIFY_FAILED": "the client's certificate is not acceptable",
}

# X509_V_ERR_* of OpenSSL's x509_vfy.h: what it has against a client's certificate.
_UNKNOWN: Final = "the client's certificate is neither registered nor signed by the authority of clients"
_VERIFICATION: Final = {
    2: _UNKNOWN,
    7: _UNKNOWN,
    18: _UNKNOWN,
    19: _UNKNOWN,
    20: _UNKNOWN,
    21: _UNKNOWN,
    26: "the client's certificate is not one for clients",
}


def note_certificate(session: Session) -> None:
    """Note what the client has shown, in its own thread, and end the connection if it may not stay with that.

    The end comes as everybody's does, with an ERROR that says why; an alert of TLS would say it to nobody. Who shows
    nothing where something is wanted is `Session.barred`: they may still ask for what is for everybody, for somebody
    who was invited has to learn with which server they speak before they show it who they are.
    """
    hub = session.hub
    der = session.link.peer_certificate()
    try:
        session.certificate = hub.identities.judge(der) if der is not None else None
        why = hub.identities.closes(session.certificate)
    except UnreadableCertificateError:
        why = "Your certificate is malformed"
    if why and session.certificate is None and der is None:
        session.barred = why
    elif why:
        refuse(session, why)


def refuse(session: Session, why: str) -> None:
    """End the connection because of the certificate that it shows, or does not show."""
    session.hub.log.info("certificate refused", session=session.number, address=session.address, why=why)
    session.end(why)


def why_it_failed(error: Exception) -> str:
    """What `Link.handshake` raised, in a few words; a reason that is not known here by OpenSSL's name."""
    if isinstance(error, HandshakeTimeout):
        return "the client did not finish in time"
    verdict = getattr(error, "verify_code", None)
    if verdict in _VERIFICATION:
        return _VERIFICATION[verdict]
    reason = getattr(error, "reason", None)
    return _WORDS.get(reason, reason) if isinstance(reason, str) else str(error)
