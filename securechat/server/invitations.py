"""Invitations: the codes that let somebody make an account, or set the password of one anew, and who may try them.

A code is 128 bits by lot. The server keeps only its SHA-256: so much chance needs no slow hash, and whoever reads the
store can't come in with it. The code itself is in the link that its maker is given, and in no log.

What a client shows as a code is looked up here. Nobody guesses one of these; but nobody is let try for nothing either:
what is no code is a failed login, at the address from which it comes.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from securechat.chat.invite_codes import state_of
from securechat.chat.inviting import MAX_USES
from securechat.chat.model import InviteCode
from securechat.chat.stamps import STEP_BITS, stamp_at
from securechat.irc.links import JoinLink
from securechat.irc.standard_replies import Code
from securechat.server.bans import duration
from securechat.server.hashing import MAX_DELAY, log_failure
from securechat.server.whereabouts import Whereabouts

if TYPE_CHECKING:
    from securechat.server.hub import Hub
    from securechat.server.session import Session

__all__ = [
    "MAX_SECONDS",
    "MAX_USES",
    "MIN_SECONDS",
    "NOT_GOOD",
    "THROTTLED",
    "TOO_MANY_WRONG",
    "USUAL_SECONDS",
    "Looked",
    "digest_of",
    "end_in",
    "lasting",
    "link_to",
    "log_made",
    "log_refused",
    "log_revoked",
    "log_used",
    "look",
    "new_code",
    "now",
    "purpose_of",
]

USUAL_SECONDS: Final = 86_400
MIN_SECONDS: Final = 60
MAX_SECONDS: Final = 365 * 86_400

THROTTLED: Final = "throttled"

NOT_GOOD: Final = {"unknown": Code.INVALID_CODE, "expired": Code.EXPIRED_CODE, "used": Code.USED_CODE}
"""What a client is told, by why its code opens nothing."""

TOO_MANY_WRONG: Final = "Too many wrong codes came from your address; try again in a minute"

_MAX_GUESSES: Final = 5
"""Wrong codes, or some that were not looked at, after which a connection is closed."""

_ACCOUNT: Final = "invite:"
"""What the throttle takes for the name of an account. No account has a colon in its name."""
_HOW: Final = "invitation"


def new_code() -> tuple[str, str]:
    """A code and its digest."""
    code = secrets.token_urlsafe(16)
    return code, digest_of(code)


def digest_of(code: str) -> str:
    """SHA-256 of what somebody gives as a code, in hexadecimal digits."""
    return hashlib.sha256(code.encode(errors="surrogatepass")).hexdigest()


def now(hub: Hub) -> int:
    """The stamp of this moment, as the chat has it: never before what it has done already, whatever the clock says."""
    return max(stamp_at(int(time.time() * 1000)), hub.chat.stamp)


def end_in(hub: Hub, seconds: int) -> int:
    """The stamp of the end of an invitation that begins now."""
    return now(hub) + (seconds * 1000 << STEP_BITS)


def lasting(text: str) -> int | None:
    """The seconds for which an invitation is good that is to last ``24h``, or ``7d``; ``None``: that is no such time,
    under a minute or over a year."""
    seconds = duration(text)
    return seconds if seconds is not None and MIN_SECONDS <= seconds <= MAX_SECONDS else None


def link_to(where: Whereabouts, code: str) -> str:
    """The link with this code, which is a secret."""
    return JoinLink(where.host, where.port, code, where.fingerprint).format()


def purpose_of(code: InviteCode) -> str:
    """``reset``, ``admin`` or ``account``: what it is for."""
    return "reset" if code.account_id else "admin" if code.admin else "account"


# -- what is written into the log -------------------------------------------------------------------------------------


def log_made(hub: Hub, code: InviteCode) -> None:
    """``account``: whom it is for, ``*`` is anybody."""
    hub.log.info("invitation made", invitation=code.id, by=code.by, account=code.name or "*", kind=purpose_of(code))


def log_revoked(hub: Hub, id: str, by: str) -> None:
    hub.log.info("invitation revoked", invitation=id, by=by)


def log_used(session: Session, code: InviteCode, account: str) -> None:
    session.hub.log.info(
        "invitation used", session=session.number, address=session.address, invitation=code.id, account=account
    )


def log_refused(session: Session, code: InviteCode, why: str) -> None:
    """There is such a code, or was, and it was not good for what somebody wanted: ``expired``, ``used`` or ``name``."""
    session.hub.log.info(
        "invitation refused", session=session.number, address=session.address, invitation=code.id, why=why
    )


# -- what clients show ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of something that a client has shown as a code.

    ``why`` it does not open anything: ``unknown``, ``expired`` or ``used``, or that it was not looked at, `THROTTLED`;
    empty: it does. ``code``: ``None`` where it is unknown, or was not looked at.
    """

    code: InviteCode | None
    why: str


def look(session: Session, digest: str) -> Looked:
    """Look up a code, in the session's own thread. It may be kept waiting because of wrong ones before."""
    hub, registration = session.hub, session.registration
    if digest != registration.known_code and not _may_try(session, digest):
        return Looked(None, THROTTLED)
    code = hub.chat.invite_codes.get(digest)
    return Looked(code, state_of(code, now(hub)))


def _may_try(session: Session, digest: str) -> bool:
    hub, registration = session.hub, session.registration
    begun = time.monotonic()
    try:
        while True:
            with hub.logins.attempt(_ACCOUNT, session.address, time.monotonic()) as attempt:
                if not attempt.wait:
                    if digest in hub.chat.invite_codes:
                        # Or one that is known would be the way to try others for nothing.
                        attempt.left_open()
                        registration.known_code = digest
                    else:
                        _failed(session, "wrong")
                    return True
            if attempt.wait > MAX_DELAY:
                _failed(session, "throttled")
                return False
            if not session.pause(attempt.wait):
                return False
    finally:
        registration.deadline += time.monotonic() - begun


def _failed(session: Session, why: str) -> None:
    """What was not looked at counts as well: each is a line of the log."""
    log_failure(session, _HOW, why)
    session.registration.guesses += 1
    if session.registration.guesses >= _MAX_GUESSES:
        session.end("Too many wrong codes")
