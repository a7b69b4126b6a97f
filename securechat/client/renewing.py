"""A certificate by the server's authority is renewed by itself, when less than a third of its time is left.

With a new key, which is made here as the first one was (`enrolling`). Only the one that is kept with a saved server:
what somebody has named with `--cert` is theirs to look after.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from securechat.client.certificate_files import Saved
from securechat.client.connection import Client
from securechat.client.enrolling import EnrolmentError, enrol
from securechat.client.errors import ClientError, ConnectionLostError
from securechat.pki import CertificateInfo, PKIError, fold_account
from securechat.pki.certificate import parse_certificates
from securechat.pki.files import read_if_there

_URGENT: Final = 14  # days; before that there is time to try again, and no reason to bother anybody


def renew_if_due(client: Client, saved: Saved | None, tell: Callable[[str], None]) -> threading.Thread | None:
    """Begin to renew the certificate of a saved server, if it is time; `tell` what becomes of it, from a thread."""
    file = saved[0].certificate_file(saved[1]) if saved is not None else None
    if saved is None or file is None:
        return None
    left = days_left_if_due(file, saved[1].user, datetime.now(UTC))
    if left is None:
        return None
    thread = threading.Thread(target=_renew, args=(client, saved, left, tell), name="renewing", daemon=True)
    thread.start()
    return thread


def days_left_if_due(file: Path, account: str, now: datetime) -> int | None:
    """How many days a certificate has left that it is time to renew; None: it is not, or it is of another kind."""
    try:
        data = read_if_there(file)
        chain = parse_certificates(data or b"", file)
        info = CertificateInfo.of(chain[0])
        if len(chain) < 2 or info.account != fold_account(account):  # one of somebody's own, that was registered
            return None
    except PKIError:
        return None
    due = info.not_after - now < (info.not_after - info.not_before) / 3
    return info.days_left(now) if due else None


def _renew(client: Client, saved: Saved, left: int, tell: Callable[[str], None]) -> None:
    servers, server = saved
    try:
        issued = enrol(client, server.user)
        servers.keep_certificate(server, issued.pem())
    except ConnectionLostError:
        return  # the next connection will do it
    except ClientError as error:
        if left < _URGENT or not isinstance(error, EnrolmentError):
            when = f"ends in {left} days" if left >= 0 else "has ended"
            tell(f"your certificate for {server.name} {when}, and could not be renewed: {error}")
        return
    ends = CertificateInfo.of(issued.certificate).not_after
    tell(f"your certificate for {server.name} is renewed, until {ends.astimezone():%Y-%m-%d}")
