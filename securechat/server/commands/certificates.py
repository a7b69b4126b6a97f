"""CERT: what this server's authorities have signed and taken back, and the certificates with which an account logs in.

Everybody may ask for the first, before anything else: it is what a client needs to find out whether it talks to the
right server, and the same for all. The rest is for accounts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from securechat.chat.machine import Chat
from securechat.chat.model import Account, Certificate
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import AddCertificate, RemoveCertificate
from securechat.chat.stamps import iso_time
from securechat.irc.errors import Answer, PieceError
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric
from securechat.irc.pieces import MAX_THING, pieces
from securechat.irc.split import fit
from securechat.irc.standard_replies import Code, StandardReply, fail, note
from securechat.pki import AuthorityMissingError, CertificateInfo, InvalidRequestError, PKIError
from securechat.pki.issued import serial_text
from securechat.server.certificates import CertificateRefusedError, end_logins_with, judge
from securechat.server.commands.command import Command, When
from securechat.server.commands.series import gather
from securechat.server.hashing import LINES_FOR_A_HASH
from securechat.server.identity import REVOKED
from securechat.server.issued import issued_as, issued_to, revoke
from securechat.server.replies import refusal

if TYPE_CHECKING:
    from securechat.server.session import Session

LEAST_DIGITS: Final = 8
"""Of a fingerprint that is to say which certificate is meant."""

_MAX_SHOWN: Final = 100
"""Bytes of what a client wrote that are repeated to it."""

_HEXADECIMAL: Final = frozenset("0123456789abcdef")

ENROLLED: Final = "enrolled"
"""What marks a certificate in the list that our authority has signed; it is not registered."""

_UNREADABLE: Final = "What this server has signed for you can't be read at the moment"


def cert(session: Session, message: Message) -> None:
    """``CERT <subcommand> [<parameter>]``."""
    name, *params = message.params
    subcommand = _SUBCOMMANDS.get(name.upper())
    if name.upper() not in _IN_PIECES:
        session.series = None
    if subcommand is None:
        known = ", ".join(_SUBCOMMANDS)
        _refuse(session, message, Code.INVALID_PARAMS, f"The subcommands are {known}", fit(name, _MAX_SHOWN))
    elif name.upper() in _FOR_EVERYBODY:
        subcommand(session, message, "")
    elif not session.registered and not (session.account is not None and name.upper() == "ENROLL"):
        session.reply(message, [session.numeric(Numeric.ERR_NOTREGISTERED)])
    elif not params and name.upper() != "LIST":
        session.reply(message, [session.numeric(Numeric.ERR_NEEDMOREPARAMS, "CERT")])
    else:
        subcommand(session, message, params[0] if params else "")


def is_for_everybody(message: object) -> bool:
    """Whether it asks for what everybody may know, whoever they are."""
    if not isinstance(message, Message) or message.command != "CERT" or not message.params:
        return False
    return message.params[0].upper() in _FOR_EVERYBODY


# -- for everybody ----------------------------------------------------------------------------------------------------


def _authority(session: Session, message: Message, _: str) -> None:
    """The authority that signed the server's certificate, and how those before it vouch for it."""
    found = session.hub.identities.authorities.servers
    if found:
        session.reply(message, [_supply(session, "AUTHORITY", found)])
    else:
        _refuse(session, message, Code.NO_AUTHORITY)


def _revoked(session: Session, message: Message, _: str) -> None:
    """What that authority has taken back."""
    found = session.hub.identities.authorities.servers_revoked
    if found is not None:
        session.reply(message, [_supply(session, "REVOKED", (found,))])
    else:
        _refuse(session, message, Code.NO_LIST)


def _supply(session: Session, kind: str, things: Iterable[bytes]) -> Iterator[bytes]:
    """Things in pieces, each rendered when it is sent, and the line behind the last of them."""
    for thing in things:
        for piece in pieces(thing):
            yield session.line(f"CERT {kind} {piece}")
    yield session.line(f"CERT END {kind}")


# -- those of an account ----------------------------------------------------------------------------------------------


def _add(session: Session, message: Message, piece: str) -> None:
    """``CERT ADD <piece>``, or ``CERT ADD *`` for the one that this connection shows."""
    if piece == "*":
        session.series = None
        if session.certificate is None:
            _refuse(session, message, Code.INVALID_CERTIFICATE, "This connection shows no certificate")
        else:
            _add_whole(session, message, session.certificate.der)
    else:
        der = _gather(session, message, "CERT ADD", piece, Code.INVALID_CERTIFICATE)
        if der is not None:
            _add_whole(session, message, der)


def _add_whole(session: Session, message: Message, der: bytes) -> None:
    hub = session.hub
    account = _account(session, message)
    if account is None:
        return
    session.charge(LINES_FOR_A_HASH)
    try:
        candidate = judge(hub, der, account)
    except CertificateRefusedError as error:
        _refuse(session, message, Code.INVALID_CERTIFICATE, str(error))
        return
    fingerprint = candidate.fingerprint
    outcome, _ = session.do(
        AddCertificate(session.number, fingerprint, der, candidate.name, candidate.expires), lambda _: None
    )
    if isinstance(outcome, Refusal):
        session.reply(message, [session.answer(_explained(outcome))])
        return
    if not hub.reloader.trust(der):  # it was fit a moment ago
        session.do(RemoveCertificate(session.number, "", fingerprint), lambda _: None)
        _refuse(session, message, Code.TEMPORARILY_UNAVAILABLE)
        return
    hub.log.info("certificate added", account=account.name, fingerprint=fingerprint)
    session.reply(message, [session.answer(note(Code.ADDED, "CERT", fingerprint))])


def _list(session: Session, message: Message, _: str) -> None:
    """What logs the account in: what it has registered, then what our authority has signed for it."""
    own = _asked(session, message)
    if own is None:
        return
    account, registered = own
    issued, unread = issued_to(session.hub, account)
    if unread is not None:
        session.hub.on_error("certificates that were signed can't be read", unread)
        _refuse(session, message, Code.TEMPORARILY_UNAVAILABLE, _UNREADABLE)
        return
    end = note(Code.END_OF_CERTIFICATES, "CERT")
    answers = (*map(_shown, registered), *map(_shown_issued, issued), end)
    session.reply(message, [(session.answer(answer) for answer in answers)])


def _shown(entry: Certificate) -> StandardReply:
    expires = _iso(datetime.fromtimestamp(entry.expires, UTC))
    return note(
        Code.CERTIFICATE, "CERT", entry.fingerprint, iso_time(entry.added), expires, description=entry.name or None
    )


def _shown_issued(info: CertificateInfo) -> StandardReply:
    """Its name says nothing, for it is that of the account; so here are words for who has a client that knows none."""
    words = f"Signed for you by this server, serial number {serial_text(info.serial)}"
    times = _iso(info.not_before), _iso(info.not_after)
    return note(Code.CERTIFICATE, "CERT", info.fingerprint, *times, ENROLLED, description=words)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _delete(session: Session, message: Message, given: str) -> None:
    """``CERT DEL <fingerprint>``: all of it, or its first digits. Who logged in with it elsewhere is sent away; and
    whoever shows one that our authority has signed, too, for that is revoked."""
    hub = session.hub
    digits = given.replace(":", "").lower()
    if len(digits) < LEAST_DIGITS or not _HEXADECIMAL.issuperset(digits):
        least = f"A fingerprint is digits and letters from a to f, of which the first {LEAST_DIGITS} are enough"
        _refuse(session, message, Code.NO_SUCH_CERTIFICATE, least, fit(given, _MAX_SHOWN))
        return
    own = _asked(session, message)
    if own is None:
        return
    account, entries = own
    registered = {entry.fingerprint: entry for entry in entries if entry.fingerprint.startswith(digits)}
    signed, unread = issued_to(hub, account)
    issued = {info.fingerprint: info for info in signed if info.fingerprint.startswith(digits)}
    found = [*registered, *issued]
    if unread is not None:
        hub.on_error("certificates that were signed can't be read", unread)
        if not found:
            _refuse(session, message, Code.TEMPORARILY_UNAVAILABLE, _UNREADABLE)
            return
    if len(found) != 1:
        several = "Several of yours begin like that" if found else _unknown(session)
        _refuse(session, message, Code.NO_SUCH_CERTIFICATE, several, fit(given, _MAX_SHOWN))
        return
    (fingerprint,) = found
    entry = registered.get(fingerprint)
    info = issued_as(hub, entry, account) if entry is not None else issued[fingerprint]
    if info is not None and not _revoke(session, message, account, info):
        return
    if entry is None or _remove(session, message, account, fingerprint):
        words = "This certificate is revoked, and logs you in no more" if info is not None else None
        session.reply(message, [session.answer(note(Code.REMOVED, "CERT", fingerprint, description=words))])
    if info is not None and session.certificate is not None and hub.identities.is_revoked(session.certificate):
        session.end(REVOKED)


def _revoke(session: Session, message: Message, account: Account, info: CertificateInfo) -> bool:
    """Take back what our authority has signed; false: that was not possible, and the line has been answered."""
    hub = session.hub
    serial = serial_text(info.serial)
    try:
        revoke(hub, info, but=session)
    except AuthorityMissingError:
        words = f"Only whoever runs this server can revoke it: securechat certs revoke {serial}"
        _refuse(session, message, Code.REVOCATION_UNAVAILABLE, words, info.fingerprint)
        return False
    except PKIError as error:
        hub.on_error("a certificate could not be revoked", error)
        words = f"Nothing was changed: whoever runs this server can see why, or say securechat certs revoke {serial}"
        _refuse(session, message, Code.REVOCATION_UNAVAILABLE, words, info.fingerprint)
        return False
    hub.log.info("certificate revoked", account=account.name, fingerprint=info.fingerprint, serial=serial)
    return True


def _remove(session: Session, message: Message, account: Account, fingerprint: str) -> bool:
    """Take away what was registered; false: it was not, and the line has been answered."""
    hub = session.hub
    outcome, _ = session.do(RemoveCertificate(session.number, "", fingerprint), lambda _: None)
    if isinstance(outcome, Refusal):
        session.reply(message, [session.answer(_explained(outcome))])
        return False
    end_logins_with(hub, fingerprint, but=session)
    hub.log.info("certificate removed", account=account.name, fingerprint=fingerprint)
    return True


def _unknown(session: Session) -> str | None:
    """Where somebody else signs for clients, the server may not know of all that there are."""
    authorities = session.hub.identities.authorities
    if authorities.clients is None or authorities.signer is not None:
        return None
    return "No such one is known here; whoever runs this server can revoke what was signed: securechat certs revoke"


def _enrol(session: Session, message: Message, piece: str) -> None:
    """``CERT ENROLL <piece>``: a request (PKCS #10), for a certificate from the authority of clients.

    It gives a name and a key nothing that the session does not have: its account. What else the request says is not
    looked at. Who has logged in need not be on the chat for it.
    """
    request = _gather(session, message, "CERT ENROLL", piece, Code.INVALID_REQUEST)
    if request is None:
        return
    hub = session.hub
    account = _account(session, message)
    if account is None:
        return
    if not hub.identities.can_sign:
        _refuse(session, message, Code.ENROLMENT_UNAVAILABLE)
        return
    if not hub.enrolments.admit(account.name, time.monotonic()):
        hub.log.warning("enrolment throttled", session=session.number, address=session.address, account=account.name)
        _refuse(session, message, Code.LIMIT_REACHED, "You have had as many as may be for now; try again in an hour")
        return
    session.charge(LINES_FOR_A_HASH)
    try:
        signed = hub.identities.sign(request, account)
    except InvalidRequestError as error:
        sentence = str(error)
        _refuse(session, message, Code.INVALID_REQUEST, sentence[0].upper() + sentence[1:])
    except PKIError as error:
        hub.on_error("a certificate could not be signed", error)
        _refuse(session, message, Code.ENROLMENT_UNAVAILABLE, "This server can't sign certificates at the moment")
    else:
        fingerprint = hub.identities.judge(signed[0]).fingerprint
        hub.log.info("certificate signed", account=account.name, fingerprint=fingerprint)
        session.reply(message, [_supply(session, "ENROLLED", signed)])


# -- what they share --------------------------------------------------------------------------------------------------


def _gather(session: Session, message: Message, what: str, piece: str, code: Code) -> bytes | None:
    """A piece, and those before it: the whole, if it is that now. What is no piece is answered with ``code``."""
    try:
        whole = gather(session, what, piece, MAX_THING)
    except PieceError as error:
        _refuse(session, message, code, str(error))
        return None
    if whole is None:
        session.reply(message, [])
    return whole


def _account(session: Session, message: Message) -> Account | None:
    """As whom the session is on the chat, or has logged in to come; if as nobody, it is told so."""

    def ask(chat: Chat) -> Account | None:
        user = chat.sessions.get(session.number)
        if user is not None:
            return chat.accounts_by_id.get(user.account_id) if user.account_id is not None else None
        login = session.account
        account = chat.accounts_by_id.get(login.id) if login is not None else None
        if account is None or login is None or not account.enabled or account.credential_set != login.credential_set:
            return None
        return account

    account = session.ask(ask)
    if account is None:
        session.reply(message, [session.answer(_account_required())])
    return account


def _asked(session: Session, message: Message) -> tuple[Account, list[Certificate]] | None:
    """As `_own`, after all that was sent before; ``None``: the line has been answered."""
    session.charge(LINES_FOR_A_HASH)
    own = session.ask(lambda chat: _own(session, chat))
    if own is None:
        session.reply(message, [session.answer(_account_required())])
    return own


def _own(session: Session, chat: Chat) -> tuple[Account, list[Certificate]] | None:
    """The session's account, and what it has registered, in order; ``None``: it has none."""
    user = chat.sessions.get(session.number)
    account = chat.accounts_by_id.get(user.account_id) if user is not None and user.account_id is not None else None
    if account is None:
        return None
    own = [entry for entry in chat.certificates.values() if entry.account_id == account.id]
    return account, sorted(own, key=lambda entry: entry.added)


def _explained(refused: Refusal) -> Answer:
    match refused.reason:
        case Reason.NO_ACCOUNT:
            return _account_required()
        case Reason.CERTIFICATE_EXISTS:
            fingerprint, whose = refused.context
            words = "You have registered it already" if whose == "yours" else "Another account has registered it"
            return fail(Code.CERTIFICATE_EXISTS, "CERT", fingerprint, description=words)
        case Reason.TOO_MANY_CERTIFICATES:
            return fail(Code.LIMIT_REACHED, "CERT", description="An account can't have more: remove one before")
        case Reason.NO_SUCH_CERTIFICATE:
            return fail(Code.NO_SUCH_CERTIFICATE, "CERT", refused.context[0])
    return refusal(refused, "CERT")


def _account_required() -> StandardReply:
    return fail(Code.ACCOUNT_REQUIRED, "CERT", description="Certificates are those of an account: log in first")


def _refuse(session: Session, message: Message, code: Code, words: str | None = None, *context: str) -> None:
    session.reply(message, [session.answer(fail(code, "CERT", *context, description=words))])


_SUBCOMMANDS: Final[dict[str, Callable[[Session, Message, str], None]]] = {
    "AUTHORITY": _authority,
    "REVOKED": _revoked,
    "LIST": _list,
    "ADD": _add,
    "DEL": _delete,
    "ENROLL": _enrol,
}
_FOR_EVERYBODY: Final = ("AUTHORITY", "REVOKED")
_IN_PIECES: Final = ("ADD", "ENROLL")

COMMANDS = (
    Command("CERT", cert, "AUTHORITY | REVOKED | LIST | ADD <piece or *> | DEL <fingerprint> | ENROLL <piece>",
            "Shows what the server's authority has signed and revoked; lists, adds, removes or revokes, and makes "
            "certificates with which your account logs in.", 1, When.ALWAYS),
)  # fmt: skip
