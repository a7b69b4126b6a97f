"""The way to everything that has no command of its own."""

from securechat.client.commands.command import Arguments, Command, Misused, Screen
from securechat.irc.errors import MalformedMessageError
from securechat.irc.message import Message


def _quote(screen: Screen, arguments: Arguments) -> None:
    """Send a line of IRC. Its tags and its source, which are not the user's to give, are left out."""
    try:
        message = Message.parse(arguments.text)
    except MalformedMessageError:
        raise Misused from None
    if message.command == "QUIT":  # as the command does it, so that it is not taken for an accident
        screen.leaving = message.params[0] if message.params else ""
    else:
        screen.client.request(message.command, *message.params)


COMMANDS = (Command("quote", "line", "send a line of IRC as it is", _quote),)
