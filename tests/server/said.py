"""What the tests of metadata share."""

from collections.abc import Iterable

from securechat.irc.message import Message
from tests.server.wire import Client, Opener, plain, shown

CAPS = ("draft/metadata-3", "batch")


def inside(messages: Iterable[Message], *kind: str) -> list[str]:
    """What is in the only batch of this type, with these parameters, of those that are not in another."""
    messages = list(messages)
    starts = [m for m in messages if m.command == "BATCH" and m.params[0][0] == "+" and m.params[1:] == list(kind)]
    assert len(starts) == 1, [shown(message) for message in messages]
    reference = starts[0].params[0][1:]
    begin = messages.index(starts[0])
    end = next(at for at, m in enumerate(messages) if m.command == "BATCH" and m.params == ["-" + reference])
    lines = messages[begin + 1 : end]
    assert all(message.tags["batch"] == reference for message in lines)
    assert all(message.tags.get("batch") != reference for message in messages[:begin] + messages[end:])
    return [shown(message) for message in lines]


def pair(opened: Opener, channel: str) -> tuple[Client, Client]:
    """Two in a channel, the first its operator, with nothing left unread."""
    owner, member = opened(None, *CAPS, join=channel), opened(None, *CAPS, join=channel)
    owner.sync()
    member.sync()
    return owner, member


def told(client: Client) -> list[str]:
    """All that has come unasked."""
    return [shown(message) for message in client.sync()]


def enter(opened: Opener, *lines: str, account: str | None = None) -> tuple[Client, list[str], list[Message]]:
    """A client that says these lines before it registers; how they were answered; and its welcome."""
    client = opened.stranger()
    client.ask("CAP LS 302", "CAP REQ :sasl batch draft/metadata-3")
    if account is not None:
        client.ask("AUTHENTICATE PLAIN", f"AUTHENTICATE {plain(account)}")
    answers = client.asked(*lines)
    nick = account or opened.house.guest_name()
    welcome = client.ask(f"NICK {nick}", "USER u 0 * :r", "CAP END")
    client.nick = nick
    return client, answers, welcome
