"""Why a client's TLS handshake failed, in words for the log.

Most of what a client does not like about a server only the client can tell its user; but who runs the server is asked.
"""

from __future__ import annotations

from typing import Final

from securechat.tls.link import HandshakeTimeout

__all__ = ["why_it_failed"]

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
}


def why_it_failed(error: Exception) -> str:
    """What `Link.handshake` raised, in a few words; a reason that is not known here by OpenSSL's name."""
    if isinstance(error, HandshakeTimeout):
        return "the client did not finish in time"
    reason = getattr(error, "reason", None)
    return _WORDS.get(reason, reason) if isinstance(reason, str) else str(error)
