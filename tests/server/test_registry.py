"""What the registry says of a command, and what a client is told that may not use it."""

import pytest

from securechat.irc.message import Message
from securechat.server.commands import Command, registry
from securechat.server.commands.command import When
from securechat.server.session import Session
from tests.server.wire import House, Opener


def _done(session: Session, message: Message) -> None:
    session.reply(message, [session.line("DONE")])


def _promote(session: Session, message: Message) -> None:
    session.operator = True
    session.reply(message, [])


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that show what each field does."""
    for command in (
        Command("PLAINLY", _done, "", ""),
        Command("FIRST", _done, "", "", when=When.BEFORE),
        Command("TWO", _done, "<a> <b>", "", 2),
        Command("EARLY", _done, "", "", early="batch"),
        Command("OPERATORS", _done, "<a>", "", 1, operator=True),
        Command("ENABLED", _done, "<a>", "", 1, operator=True, capability="batch"),
        Command("PROMOTE", _promote, "", "", when=When.ALWAYS),
    ):
        monkeypatch.setitem(registry, command.name, command)


@pytest.mark.usefixtures("probes")
def test_who_may_what(house: House, opened: Opener) -> None:
    client = opened.stranger()

    def answer(line: str) -> str:
        (message,) = client.ask(line)
        return " ".join([message.command, *message.params[1:-1]])

    assert answer("FIRST") == "DONE"
    for line in ("PLAINLY", "TWO", "EARLY", "OPERATORS", "ENABLED"):
        assert answer(line) == "451"
    assert answer("CAP REQ batch") == "CAP ACK"
    for line in ("PLAINLY", "TWO", "OPERATORS", "ENABLED"):
        assert answer(line) == "451"
    assert answer("EARLY") == "DONE"
    assert answer("CAP REQ -batch") == "CAP ACK"
    client.register(house.guest_name())
    assert answer("PLAINLY") == answer("EARLY") == "DONE"
    assert answer("FIRST") == "462"
    assert answer("TWO x") == "461 TWO"
    assert answer("two x y z") == "DONE"
    assert answer("OPERATORS") == answer("OPERATORS x") == "481"
    assert answer("ENABLED x") == "421 ENABLED"
    assert client.ask("PROMOTE") == []
    assert answer("OPERATORS") == "461 OPERATORS"
    assert answer("OPERATORS x") == "DONE"
    assert answer("ENABLED x") == "421 ENABLED"
    assert answer("CAP REQ batch") == "CAP ACK"
    assert answer("ENABLED x") == "DONE"
