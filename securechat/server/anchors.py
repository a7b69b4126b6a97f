"""The certificates that OpenSSL is told to trust when clients show theirs: our authority's, and what people registered.

OpenSSL ends the handshake with a client whose certificate it does not know, so each registered one is an *anchor*. Who
its owner is, is not OpenSSL's to say (`securechat.server.identity`).

**An anchor can stand in another's way.** OpenSSL looks for who signed a certificate by the name alone, among the
anchors first, and takes the first that it finds: somebody who registers a certificate under the name of our authority
would lock out everybody whose certificate that one signed. So no anchor may have the name of those who signed others,
unless it did.
"""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography import x509

from securechat.chat.model import Certificate
from securechat.pki import InvalidRequestError
from securechat.pki.certificate import MALFORMED
from securechat.pki.keys import check_public_key
from securechat.server.identity import is_for_clients
from securechat.tls.contexts import add_anchor
from securechat.tls.errors import AnchorRefused

__all__ = ["Anchors"]

_Name = tuple[tuple[str, str], ...]


class Anchors:
    """Those of one server context, which is in use or soon will be. Guarded by the reloader's lock.

    ``authority``: of clients, which the context trusts already.
    """

    def __init__(self, context: ssl.SSLContext, authority: x509.Certificate | None) -> None:
        self.context = context
        self.number = 0
        """How many there are besides the authority's; one that is not registered any more counts still."""
        self._names: Counter[_Name] = Counter()
        self._signed: Counter[_Name] = Counter()  # the names of those who signed anchors, others than these themselves
        self._authority = _fold(authority.subject) if authority is not None else None

    def trust(self, der: bytes) -> bool:
        """Add one, from the next handshake on; false if it can't be one, for it is in the way of others."""
        if self.context.verify_mode is ssl.CERT_NONE:
            return True
        try:
            certificate = x509.load_der_x509_certificate(der)
            if self._why_not(certificate):
                return False
            add_anchor(self.context, der)
        except (*MALFORMED, AnchorRefused):
            return False
        subject, issuer = _fold(certificate.subject), _fold(certificate.issuer)
        self._names[subject] += 1
        if issuer != subject:
            self._signed[issuer] += 1
        self.number += 1
        return True

    def trust_all(self, certificates: Iterable[Certificate]) -> list[Certificate]:
        """Add those that are registered, the oldest first; what can't be one comes back."""
        return [entry for entry in sorted(certificates, key=lambda entry: entry.added) if not self.trust(entry.der)]

    def why_unfit(self, der: bytes, now: datetime | None = None) -> str:
        """Why a certificate can't be registered, as a sentence for its owner; empty: it can."""
        now = now or datetime.now(UTC)
        try:
            certificate = x509.load_der_x509_certificate(der)
            check_public_key(certificate.public_key())
            if not is_for_clients(certificate):
                return "It is not a certificate for clients"
            if now > certificate.not_valid_after_utc:
                return "It has expired"
            if now < certificate.not_valid_before_utc:
                return "It is not valid yet"
            why = self._why_not(certificate)
            if why:
                return why
            # What cryptography reads and OpenSSL does not would be of no use.
            add_anchor(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), der)
        except InvalidRequestError as error:
            sentence = str(error)
            return sentence[:1].upper() + sentence[1:]
        except (*MALFORMED, AnchorRefused):
            return "It is not a certificate that can be read"
        return ""

    def _why_not(self, certificate: x509.Certificate) -> str:
        """Why it can't be an anchor beside those that there are."""
        subject, issuer = _fold(certificate.subject), _fold(certificate.issuer)
        if subject == self._authority:
            return "It has the name of the authority of clients: make one with another name"
        if self._signed[subject]:
            return "It has the name of somebody who signed the certificate of another: make one with another name"
        if issuer not in (subject, self._authority) and self._names[issuer]:
            return "It was signed by somebody of a name that another certificate has here: sign it yourself"
        return ""


def _fold(name: x509.Name) -> _Name:
    """A name in a form that is equal for all that OpenSSL takes for equal (``X509_NAME_cmp``), and for some more."""
    return tuple((part.oid.dotted_string, " ".join(str(part.value).split()).lower()) for part in name)
