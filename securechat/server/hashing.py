"""What a session wants done with passwords and other secrets: throttled, in line with all others, in its own thread.

`check` is for whatever somebody might guess at, `new_credentials` for a password that is set. While a hash has to be
waited for the client is told how many are before it, if it understands standard replies::

    NOTE AUTHENTICATE WAITING 1312 :Passwords are looked at one after the other...

and the time counts for no deadline of its own. A client that goes away leaves the line. Every secret that was wrong is
one line of the log, the same for all of them (docs/fail2ban has the filter that reads it).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from securechat.irc.standard_replies import Code, note
from securechat.server.throttle import network_of
from securechat.store.gate import HasherClosed

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = [
    "LINES_FOR_A_HASH",
    "MAX_DELAY",
    "WAITING_SECONDS",
    "GaveUp",
    "ThrottledError",
    "check",
    "log_failure",
    "new_credentials",
    "turn",
]

MAX_DELAY: Final = 16.0
"""Seconds that an attempt may be kept waiting because of failed ones; one that had to wait longer fails at once."""

LINES_FOR_A_HASH: Final = 10
"""What a hash costs a registered client of its throttle: it takes far more time than a line."""

WAITING_SECONDS: Final = 5.0
"""How often a client is told that it waits."""


class GaveUp(Exception):  # noqa: N818  (it is what happened, and nobody's mistake)
    """The session is at its end: its client has gone, or the server is stopping. There is nobody to answer."""


class ThrottledError(Exception):
    """Too many failed before; nothing was looked at."""


def check(
    session: Session,
    command: str,
    how: str,
    name: str,
    right: Callable[[], bool],
    *,
    shown: str = "unknown",
    known: Callable[[], bool] | None = None,
    hashed: bool = True,
) -> bool:
    """Whether a secret is right. A wrong one is logged, and counts against ``name`` and the session's address.

    ``command``: of the client, for the note that it has to wait. ``how`` and ``shown``: what the log says of the way
    and the account; a name that nobody has must not be in it, for people type passwords where names go. ``name``: as
    for `LoginThrottle.attempt`. ``right`` looks at the secret, in a turn at the hashes if it is ``hashed``. ``known``
    is asked before, if it is given: where it says yes there is no need of a hash.

    Raises `ThrottledError` and `GaveUp`.
    """
    logins, address = session.hub.logins, session.address
    while True:
        # Twice, where it is to be hashed: who is throttled is not to stand in line, and in the line everybody stands
        # without counting, or the many that come back after a restart would be held for guessers.
        with logins.attempt(name, address, time.monotonic()) as attempt:
            if not attempt.wait:
                if right() if not hashed else known is not None and known():
                    attempt.succeeded()
                    return True
                if not hashed:
                    log_failure(session, how, "wrong", shown)
                    return False
                attempt.left_open()
        wait = attempt.wait
        if not wait:
            with turn(session, command), logins.attempt(name, address, time.monotonic()) as attempt:
                if not attempt.wait:
                    if right():
                        attempt.succeeded()
                        return True
                    log_failure(session, how, "wrong", shown)
                    return False
            wait = attempt.wait
        if wait > MAX_DELAY:
            log_failure(session, how, "throttled", shown)
            raise ThrottledError
        begun = time.monotonic()
        if not session.pause(wait):
            raise _gone(session)
        _excuse(session, begun)


def new_credentials(session: Session, command: str, password: str) -> tuple[str, str]:
    """The hash of a new password, and its SCRAM verifier (``""``: there is none), as `AddAccount` wants them.

    Raises `PasswordRefusedError` and `GaveUp`.
    """
    hub = session.hub
    if session.registered:
        session.charge(LINES_FOR_A_HASH)
    with turn(session, command):
        return hub.hasher.hash_in_turn(password), hub.scram.make(password)


@contextmanager
def turn(session: Session, command: str) -> Iterator[None]:
    """A turn at the hashes, for the thread of a session, which is waited for; on any core. Raises `GaveUp`.

    Addresses take turns: whoever lets a thousand connections guess makes those of others wait for one guess each.
    """
    hub = session.hub
    begun = time.monotonic()
    line = _Line(session, command)
    try:
        with hub.hasher.turn(line, network_of(session.address)):
            line.check_client()
            with hub.cores.anywhere():
                yield
    except HasherClosed:
        session.end("The server is stopping")
        raise GaveUp from None
    finally:
        _excuse(session, begun)


def log_failure(session: Session, how: str, why: str, account: str = "unknown") -> None:
    """The line for fail2ban: whatever failed that somebody might guess at. Its form is documented: add to its end only.

    ``why``: ``wrong``, ``throttled``, ``certificate`` or ``disabled``.
    """
    session.hub.log.warning(
        "login failed", session=session.number, address=session.address, account=account, how=how, why=why
    )


class _Line:
    """How a session waits in line: it looks after its connection meanwhile."""

    def __init__(self, session: Session, command: str) -> None:
        self._session = session
        self._command = command
        self._tell_at = time.monotonic() + WAITING_SECONDS
        self._waited = False

    def wake(self) -> None:
        self._session.link.wake()

    def wait(self, before: int) -> None:
        session = self._session
        self._waited = True
        now = time.monotonic()
        if now >= self._tell_at:
            self.check_client()
            self._tell_at = now + WAITING_SECONDS
            if "standard-replies" in session.caps.enabled:
                session.link.queue(session.answer(note(Code.WAITING, self._command, str(before))))
        if session.ending is not None or session.link.wait(self._tell_at - now, read=False):
            raise _gone(session)

    def check_client(self) -> None:
        """Nothing is hashed for who has gone meanwhile."""
        if self._waited and self._session.link.hung_up():
            raise _gone(self._session)


def _gone(session: Session) -> GaveUp:
    if session.ending is None:
        session.end("The client went away")
    return GaveUp()


def _excuse(session: Session, begun: float) -> None:
    """What the server needs is not the client's fault: it counts for no deadline."""
    waited = time.monotonic() - begun
    session.registration.deadline += waited
    session.kept_waiting = True
