"""One question to a server, on a connection that is there for nothing else: no login, no nick, no capabilities."""

import time
from collections.abc import Iterator
from typing import Final

from securechat.client.entry import parsed
from securechat.irc.lines import MAX_TAGS_FROM_SERVER, LineBuffer
from securechat.irc.message import Message
from securechat.tls.link import Link, LinkBroken

MOST_BYTES: Final = 1_048_576
"""Of all that is listened to: 32 things of 16 KiB in Base64, in lines (`arriving`), and as much again."""


def ask(link: Link, question: Message, timeout: float) -> Iterator[Message]:
    """Say one line, and give what the server says from then on, until it ends the connection.

    It also ends after `timeout` seconds, and after `MOST_BYTES`: who asked looks for what they wanted to hear, and
    takes its end for a refusal.
    """
    deadline = time.monotonic() + timeout
    link.send(question.encode())
    lines = LineBuffer(MAX_TAGS_FROM_SERVER)
    size = 0
    while size <= MOST_BYTES and (left := deadline - time.monotonic()) > 0:
        try:
            data = link.receive() if link.wait(left) else b""
        except LinkBroken:
            return
        if data is None:
            return
        size += len(data)
        for item in lines.feed(data):
            if message := parsed(item):
                yield message
