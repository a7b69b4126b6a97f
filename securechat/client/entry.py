"""From a link whose other end is verified to 001: the registration, driven over the connection."""

import time
from collections.abc import Callable
from typing import Final

from securechat.client.dial import explain_broken
from securechat.client.errors import ConnectionLostError
from securechat.client.events import Event, LoginWaiting
from securechat.client.registration import Registration
from securechat.irc.errors import MalformedMessageError, ProtocolError
from securechat.irc.lines import LineBuffer
from securechat.irc.message import Message
from securechat.tls.link import Link, LinkBroken

LONGEST: Final = 600.0
"""Seconds that all of it may take, for a server that goes on saying something and does not come to an end."""


def enter(
    link: Link,
    registration: Registration,
    lines: LineBuffer,
    host: str,
    timeout: float,
    tell: Callable[[Event], None],
    longest: float = LONGEST,
) -> list[str | ProtocolError]:
    """Get as far as 001; the lines that came behind it. `host`: the server's, as it is shown.

    `timeout`: seconds that the server may be silent. A thousand logins that were there before can take minutes, in
    which it says how many are left: `tell` is given each number (`LoginWaiting`). `longest`: seconds for all of it.

    Raises what `Registration.handle` raises, `ConnectionLostError`, and `TLSError` for a server that only now says what
    it wants of our certificate.
    """
    begun = heard = time.monotonic()
    answers = registration.start()
    while True:
        link.send(b"".join(message.encode() for message in answers))
        answers = []
        now = time.monotonic()
        if now >= begun + longest:
            raise ConnectionLostError(f"{host} did not finish the registration in {longest / 60:.0f} minutes")
        if now >= heard + timeout:
            raise ConnectionLostError(
                f"{host} did not finish the registration: it has said nothing for {timeout:.0f} seconds"
            )
        if not link.wait(min(heard + timeout, begun + longest) - now):
            continue
        waiting = registration.waiting
        data = _read(link, registration, host)
        items = lines.feed(data)
        for index, item in enumerate(items):
            if message := parsed(item):
                answers += registration.handle(message)
            if registration.done:
                link.send(b"".join(message.encode() for message in answers))
                return items[index + 1 :]
        if registration.waiting is not None and registration.waiting != waiting:
            tell(LoginWaiting(registration.waiting))
        if data:
            heard = time.monotonic()  # what we did with it meanwhile (SCRAM's rounds) is not the server's silence


def parsed(item: str | ProtocolError) -> Message | None:
    """The message in a line; None for what is none, like bytes that are not UTF-8: it is the server's mistake."""
    if isinstance(item, ProtocolError):
        return None
    try:
        return Message.parse(item)
    except MalformedMessageError:
        return None


def _read(link: Link, registration: Registration, host: str) -> bytes:
    try:
        data = link.receive()
    except LinkBroken as error:
        if not registration.heard and (why := explain_broken(error, host)):
            raise why from error
        raise ConnectionLostError(f"the connection to {host} broke while it began ({error})") from error
    if data is None:
        raise registration.hung_up() or ConnectionLostError(
            f"{host} hung up and did not say why: ask who runs the server"
        )
    return data
