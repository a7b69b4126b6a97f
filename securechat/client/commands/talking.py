"""Saying something."""

from securechat.client.commands.command import Arguments, Command, Misused, Screen, current, say


def _msg(screen: Screen, arguments: Arguments) -> None:
    _say(screen, arguments, notice=False)


def _notice(screen: Screen, arguments: Arguments) -> None:
    _say(screen, arguments, notice=True)


def _say(screen: Screen, arguments: Arguments, *, notice: bool) -> None:
    words = arguments.words
    if len(words) < 2 or words[0].startswith(":") or "," in words[0]:
        raise Misused
    say(screen, words[0], arguments.after(1), notice=notice)


def _me(screen: Screen, arguments: Arguments) -> None:
    if not arguments.text:
        raise Misused
    say(screen, current(screen), arguments.text, act=True)


COMMANDS = (
    Command("msg", "nick text", "say something to one person", _msg),
    Command("me", "text", "say what you do", _me),
    Command("notice", "nick text", "say something that no program answers", _notice),
)
