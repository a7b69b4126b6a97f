"""What the tests of CERT have in common: things in pieces, both ways, and logins with a certificate."""

from collections.abc import Sequence
from pathlib import Path

from securechat.irc.message import Message
from securechat.irc.pieces import PieceInbox, pieces
from tests.server.wire import NAME, Client, Opener, commands


def supplied(messages: Sequence[Message], kind: str) -> list[bytes]:
    """The things of an answer of this kind, which holds nothing else."""
    *lines, end = [message for message in messages if message.command != "BATCH"]
    assert [end.source, end.command, *end.params] == [NAME, "CERT", "END", kind]
    inbox = PieceInbox()
    things = []
    for line in lines:
        assert [line.source, line.command, line.params[0]] == [NAME, "CERT", kind]
        thing = inbox.add(line.params[1])
        if thing is not None:
            things.append(thing)
    assert not inbox.begun
    return things


def cert(client: Client, subcommand: str, thing: bytes) -> list[Message]:
    """Send a thing; what is answered."""
    return client.ask(*(f"CERT {subcommand} {piece}" for piece in pieces(thing)))


def told(messages: Sequence[Message]) -> list[str]:
    """The verb, code and context of the one standard reply that there is."""
    (message,) = messages
    assert message.source == NAME
    assert message.params[0] == "CERT"
    assert message.params[-1]
    return [message.command, *message.params[1:-1]]


def words(messages: Sequence[Message]) -> str:
    """What it says to people, for a refused certificate."""
    assert told(messages) == ["FAIL", "INVALID_CERTIFICATE"]
    return messages[0].params[-1]


def external(opened: Opener, certificate: Path) -> tuple[Client, list[str]]:
    """A stranger that shows a certificate, and what comes of EXTERNAL."""
    client = opened.stranger(certificate)
    client.ask("CAP REQ :sasl")
    return client, commands(client.ask("AUTHENTICATE EXTERNAL", "AUTHENTICATE +"))[1:]
