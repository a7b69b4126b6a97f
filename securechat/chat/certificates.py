"""Rules for the certificates with which people log in, besides those that an authority of the server made out to them.

What a certificate must be like is judged before; here is whose it is.
"""

from __future__ import annotations

from securechat.chat.events import CertificateAdded, CertificateRemoved
from securechat.chat.machine import Applied, Chat, put, rule
from securechat.chat.model import Certificate
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import AddCertificate, RemoveCertificate


@rule(AddCertificate)
def add_certificate(chat: Chat, stamp: int, request: AddCertificate, applied: Applied) -> None:
    """One certificate is one account's."""
    account_id = chat.user_of(request.session).account_id
    if account_id is None:
        raise Refused(Reason.NO_ACCOUNT)
    known = chat.certificates.get(request.fingerprint)
    if known is not None:
        whose = "yours" if known.account_id == account_id else "other"
        raise Refused(Reason.CERTIFICATE_EXISTS, request.fingerprint, whose)
    if sum(entry.account_id == account_id for entry in chat.certificates.values()) >= chat.rules.certificates:
        raise Refused(Reason.TOO_MANY_CERTIFICATES)
    certificate = Certificate(request.fingerprint, account_id, request.der, request.name, stamp, request.expires)
    put(chat.certificates, certificate.fingerprint, certificate, applied)
    applied.events.append(CertificateAdded(stamp, chat.accounts_by_id[account_id].name, certificate))


@rule(RemoveCertificate)
def remove_certificate(chat: Chat, stamp: int, request: RemoveCertificate, applied: Applied) -> None:
    """Of one's own account; the operator's hand reaches those of all."""
    if request.session is not None:
        account_id = chat.user_of(request.session).account_id
        account = chat.accounts_by_id.get(account_id) if account_id is not None else None
        if account is None:
            raise Refused(Reason.NO_ACCOUNT)
    else:
        account = chat.account_named(request.account)
        if account is None:
            raise Refused(Reason.NO_SUCH_ACCOUNT, request.account)
    certificate = chat.certificates.get(request.fingerprint)
    if certificate is None or certificate.account_id != account.id:
        raise Refused(Reason.NO_SUCH_CERTIFICATE, request.fingerprint)
    put(chat.certificates, certificate.fingerprint, None, applied)
    applied.events.append(CertificateRemoved(stamp, account.id, account.name, certificate.fingerprint))
