"""What operators of a channel do."""

from collections.abc import Callable

from securechat.client.commands.command import Arguments, Command, Misused, Screen, current, one


def _kick(screen: Screen, arguments: Arguments) -> None:
    if not arguments.text:
        raise Misused
    reason = arguments.after(1)
    screen.client.request("KICK", current(screen), arguments.words[0], *([reason] if reason else []))


def _ban(screen: Screen, arguments: Arguments) -> None:
    screen.client.request("MODE", current(screen), "+b", screen.client.masks_of(one(arguments))[0])


def _unban(screen: Screen, arguments: Arguments) -> None:
    """By all masks that may be meant, since nobody remembers which it was; those that are not there do no harm."""
    masks = screen.client.masks_of(one(arguments))
    screen.client.request("MODE", current(screen), f"-{'b' * len(masks)}", *masks)


def _bans(screen: Screen, arguments: Arguments) -> None:
    if arguments.text:
        raise Misused
    screen.client.request("MODE", current(screen), "b")


def _mode(screen: Screen, arguments: Arguments) -> None:
    words = arguments.words
    if not words or words[0].startswith(("+", "-")):
        words.insert(0, current(screen))
    screen.client.request("MODE", *words)


def _gives(modes: str) -> Callable[[Screen, Arguments], None]:
    """The function of a command that changes what somebody is in the channel."""

    def give(screen: Screen, arguments: Arguments) -> None:
        screen.client.request("MODE", current(screen), modes, one(arguments))

    return give


COMMANDS = (
    Command("kick", "nick [reason]", "put somebody out of the channel", _kick),
    Command("ban", "nick or mask", "let somebody neither in nor speak", _ban),
    Command("unban", "nick or mask", "lift a ban", _unban),
    Command("bans", "", "who is banned", _bans),
    Command("op", "nick", "make somebody an operator of the channel", _gives("+o")),
    Command("deop", "nick", "make them none", _gives("-o")),
    Command("voice", "nick", "let somebody speak where not all may", _gives("+v")),
    Command("devoice", "nick", "and no longer", _gives("-v")),
    Command("mode", "[target] [changes]", "the modes of a channel, or yours; or change them", _mode),
)
