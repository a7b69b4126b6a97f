"""What the tests of history share: pages as clients get them, and messages that are taken back."""

from collections.abc import Iterable

from securechat.chat.requests import Original, Redact
from securechat.chat.stamps import parse_msgid
from securechat.irc.message import Message
from tests.server.wire import Client, House, shown

HISTORY = ("draft/chathistory", "batch", "message-tags", "server-time")
EVERYTHING = (
    *HISTORY, "draft/event-playback", "draft/multiline", "draft/message-redaction", "draft/channel-rename",
    "account-tag", "extended-join", "echo-message",
)  # fmt: skip


def page(client: Client, *words: str) -> list[Message]:
    """What a CHATHISTORY answers, without its batch, which is checked."""
    messages = client.ask(f"CHATHISTORY {' '.join(words)}")
    kind = "draft/chathistory-targets" if words[0] == "TARGETS" else "chathistory"
    return opened_batch(messages, kind)[1]


def opened_batch(messages: list[Message], kind: str) -> tuple[list[str], list[Message]]:
    """The parameters of the one batch that these are, and what is in it; of other batches in it, too."""
    begin, *inside, end = messages
    assert begin.command == end.command == "BATCH", [shown(message) for message in messages]
    assert begin.params[1] == kind
    reference = begin.params[0].removeprefix("+")
    assert end.params == [f"-{reference}"]
    assert "batch" not in begin.tags
    assert "batch" not in end.tags
    inner = {m.params[0][1:] for m in inside if m.command == "BATCH"}
    assert all(message.tags.get("batch") in {reference, *inner} for message in inside)
    return begin.params[2:], inside


def texts(messages: Iterable[Message]) -> list[str]:
    """What was said, in order; of others the command."""
    return [m.params[-1] if m.command in ("PRIVMSG", "NOTICE") else m.command for m in messages]


def said(client: Client, *targets_and_texts: str) -> list[Message]:
    """The echoes of messages, ``"#a hello"``."""
    lines = [f"PRIVMSG {target} :{text}" for target, _, text in (one.partition(" ") for one in targets_and_texts)]
    return [message for message in client.ask(*lines) if message.command == "PRIVMSG"]


def take_back(house: House, by: Client, msgid: str, target: str, reason: str = "") -> None:
    """Have somebody take a message back."""
    record = house.hub.history.record(parse_msgid(msgid) or 0)
    assert record is not None
    original = Original(record.stamp, record.account_id, record.channel_id, record.target, record.target_id)
    session = next(session for session in house.hub.sessions.values() if session.nick == by.nick)
    house.do(Redact(session.number, target, original, reason))
