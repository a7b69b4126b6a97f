"""Going into channels and out of them, and what they are about."""

from securechat.client.commands.command import Arguments, Command, Misused, Screen, channel, channel_of, current, one


def _join(screen: Screen, arguments: Arguments) -> None:
    words = arguments.words
    if len(words) not in (1, 2):
        raise Misused
    name = channel(words[0], "join")
    if screen.client.is_in(name):
        screen.current = name
        screen.client.names(name)
    else:
        screen.head_for(name)
        screen.chat.join(name, *words[1:])


def _part(screen: Screen, arguments: Arguments) -> None:
    screen.client.part(*channel_of(screen, arguments))


def _names(screen: Screen, arguments: Arguments) -> None:
    screen.client.names(one(arguments) if arguments.text else current(screen))


def _topic(screen: Screen, arguments: Arguments) -> None:
    name, text = channel_of(screen, arguments)
    screen.client.topic(name, text or None)


def _list(screen: Screen, arguments: Arguments) -> None:
    screen.client.request("LIST", *([one(arguments)] if arguments.text else []))


def _invite(screen: Screen, arguments: Arguments) -> None:
    words = arguments.words
    if len(words) not in (1, 2):
        raise Misused
    name = channel(words[1], f"invite {words[0]}") if len(words) > 1 else current(screen)
    screen.client.request("INVITE", words[0], name)


def _owner(screen: Screen, arguments: Arguments) -> None:
    words = arguments.words
    if len(words) not in (1, 2):
        raise Misused
    screen.client.request("OWNER", channel(words[0], "owner"), *words[1:])


def _rename(screen: Screen, arguments: Arguments) -> None:
    words = arguments.words
    if len(words) != 2:
        raise Misused
    screen.client.request("RENAME", channel(words[0], "rename"), channel(words[1], f"rename {words[0]}"))


COMMANDS = (
    Command("join", "#channel [key]", "go into a channel, or back to one that you are in", _join),
    Command("part", "[#channel] [reason]", "leave a channel", _part),
    Command("names", "[#channel]", "who is in a channel", _names),
    Command("topic", "[#channel] [text]", "what a channel is about; with a text, set it", _topic),
    Command("list", "[pattern]", "which channels there are; a * stands for any text", _list),
    Command("invite", "nick [#channel]", "invite somebody into a channel", _invite),
    Command("owner", "#channel [account]", "whose a channel is; give yours away, or with * up", _owner),
    Command("rename", "#old #new", "give your channel another name", _rename),
)
