"""From a link whose other end is verified to 001: the registration, driven over the connection."""

import time

from securechat.client.dial import explain_broken
from securechat.client.errors import ConnectionLostError
from securechat.client.registration import Registration
from securechat.irc.errors import MalformedMessageError, ProtocolError
from securechat.irc.lines import LineBuffer
from securechat.irc.message import Message
from securechat.tls.link import Link, LinkBroken


def enter(
    link: Link, registration: Registration, lines: LineBuffer, host: str, timeout: float
) -> list[str | ProtocolError]:
    """Get as far as 001 within `timeout` seconds; the lines that came behind it. `host`: the server's, as it is shown.

    Raises what `Registration.handle` raises, `ConnectionLostError`, and `TLSError` for a server that only now says what
    it wants of our certificate.
    """
    deadline = time.monotonic() + timeout
    answers = registration.start()
    while True:
        link.send(b"".join(message.encode() for message in answers))
        answers = []
        left = deadline - time.monotonic()
        if left <= 0:
            raise ConnectionLostError(f"{host} did not finish the registration in {timeout:.0f} seconds")
        if not link.wait(left):
            continue
        items = lines.feed(_read(link, registration, host))
        for index, item in enumerate(items):
            if message := parsed(item):
                answers += registration.handle(message)
            if registration.done:
                link.send(b"".join(message.encode() for message in answers))
                return items[index + 1 :]


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
