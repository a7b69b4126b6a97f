"""When another connection is tried, and for which errors it is not."""

import pytest

from securechat.client import errors
from securechat.client.retrying import LONGEST, STEADY, Backoff, worth_another_try
from securechat.tls import errors as tls


def test_at_once_and_then_ever_later() -> None:
    backoff = Backoff()
    delays = [backoff.next() for _ in range(1000)]
    assert delays[0] == 0.0
    for delay, longest in zip(delays[1:], [1, 2, 4, 8, 16, 32, *[LONGEST] * 993], strict=True):
        assert 0.75 * longest <= delay <= longest
    assert len(set(delays[10:])) > 100  # not all clients at once
    backoff.lasted(STEADY - 1)
    assert backoff.next() > 1
    backoff.lasted(STEADY)
    assert backoff.next() == 0.0


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (errors.ConnectionLostError(), True),
        (errors.ServerNotThereError(), True),
        (tls.HandshakeFailed(), True),
        (errors.RegistrationRefusedError("too many connections"), True),
        (errors.RegistrationRefusedError("banned", final=True), False),
        (errors.LoginRefusedError(), False),
        (tls.UnknownAuthority(), False),
        (tls.WrongHostName(), False),
        (tls.CertificateExpired(), False),
        (tls.ClientCertificateRefused(), False),
        (errors.OutputClosedError(), False),
        (RuntimeError(), False),
    ],
)
def test_what_somebody_has_to_put_right_ends_it(error: BaseException, again: bool) -> None:
    assert worth_another_try(error) == again
