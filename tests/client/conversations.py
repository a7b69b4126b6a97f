"""A conversation without its connection: what the server says goes in as lines, and so come out the answers."""

from securechat.client.capabilities import Capabilities
from securechat.client.conversation import Conversation
from securechat.client.events import Event
from securechat.client.state import State
from securechat.irc.message import Message

ME = ":alice!a@host"


def conversation_with(*enabled: str, offered: str = "") -> Conversation:
    """One of alice, with these capabilities. `offered`: what the server says of them, `name=value`."""
    capabilities = Capabilities()
    capabilities.handle(["*", "LS", offered])
    capabilities.handle(["*", "ACK", " ".join(enabled)])
    return Conversation(State("alice", "chat.example"), capabilities)


def sent(conversation: Conversation) -> list[str]:
    """The lines that it has sent since this was last asked."""
    lines = [message.serialise() for message in conversation.outgoing]
    conversation.outgoing.clear()
    return lines


def hear(conversation: Conversation, *lines: str) -> list[Event]:
    """Take these lines of the server."""
    return [event for line in lines for event in conversation.receive(Message.parse(line))]
