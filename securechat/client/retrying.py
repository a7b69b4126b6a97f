"""When to try again after a connection was lost, and when not to.

At once the first time; then after a second, and after twice as long each time, up to a minute. Each wait is up to a
quarter shorter than that, by chance, so that not all clients of a server that was gone come back in the same moment.
"""

import random
from typing import Final

from securechat.client.errors import ConnectionLostError, RegistrationRefusedError, ServerNotThereError
from securechat.tls.errors import ClientCertificateRefused, HandshakeFailed

SHORTEST: Final = 1.0  # seconds
LONGEST: Final = 60.0
STEADY: Final = 10.0
"""Seconds that a connection has to last to count as good: one that broke before that is like a try that failed."""


class Backoff:
    """How long to wait before each try, in seconds."""

    def __init__(self) -> None:
        self._tries = 0

    def next(self) -> float:
        """The time before the next try."""
        self._tries += 1
        if self._tries == 1:
            return 0.0
        longest = min(SHORTEST * 2.0 ** min(self._tries - 2, 30), LONGEST)
        return longest * random.uniform(0.75, 1.0)  # noqa: S311 - nothing is secret here

    def lasted(self, seconds: float) -> None:
        """A connection has stood for so long."""
        if seconds >= STEADY:
            self._tries = 0


def worth_another_try(error: BaseException) -> bool:
    """Whether what went wrong may be right the next time, without anybody doing something about it at this end.

    A certificate that does not prove who the server is, a wrong password, a disabled account and a ban are not.
    """
    if isinstance(error, RegistrationRefusedError):
        return not error.final
    if isinstance(error, ClientCertificateRefused):
        return False
    return isinstance(error, ConnectionLostError | ServerNotThereError | HandshakeFailed)
