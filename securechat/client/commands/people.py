"""About people, oneself among them: who they are, who is away, and whom one does not want to hear."""

from securechat.client.commands.command import Arguments, Command, Misused, Screen, UsageError, current, one
from securechat.client.mode_words import whom
from securechat.client.safe import safe_name


def _whois(screen: Screen, arguments: Arguments) -> None:
    screen.client.request("WHOIS", one(arguments))


def _who(screen: Screen, arguments: Arguments) -> None:
    screen.client.request("WHO", one(arguments) if arguments.text else current(screen))


def _away(screen: Screen, arguments: Arguments) -> None:
    screen.client.request("AWAY", *([arguments.text] if arguments.text else []))


def _nick(screen: Screen, arguments: Arguments) -> None:
    screen.client.request("NICK", one(arguments))


def _setname(screen: Screen, arguments: Arguments) -> None:
    if not arguments.text:
        raise Misused
    screen.client.request("SETNAME", arguments.text)


def _ignore(screen: Screen, arguments: Arguments) -> None:
    client = screen.client
    if not arguments.text:
        masks = client.ignored()
        screen.show(f"* you ignore {', '.join(map(whom, masks)) or 'nobody'}")
        return
    mask = client.masks_of(one(arguments))[0]
    if client.ignore(mask) is None:
        screen.show(f"* you ignore {whom(mask)}, until you leave")


def _unignore(screen: Screen, arguments: Arguments) -> None:
    client = screen.client
    asked = one(arguments)
    found = [mask for mask in client.masks_of(asked) if client.ignores(mask)]
    if not found:
        raise UsageError(f"you do not ignore {safe_name(asked)}: /ignore shows whom you do")
    for mask in found:
        if client.ignore(mask, adding=False) is None:
            screen.show(f"* you no longer ignore {whom(mask)}")


COMMANDS = (
    Command("whois", "nick", "who somebody is", _whois),
    Command("who", "[#channel]", "who is in a channel, with names and hosts", _who),
    Command("away", "[text]", "say that you are away; alone, that you are back", _away),
    Command("ignore", "[nick or mask]", "hear no more of somebody; alone, whom you ignore", _ignore),
    Command("unignore", "nick or mask", "hear somebody again", _unignore),
    Command("nick", "nick", "be called otherwise, where guests may come", _nick),
    Command("setname", "text", "change your real name", _setname),
)
