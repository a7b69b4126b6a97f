"""Events as lines of text, for a screen and for programs that read standard output.

======================================  ===================================================================
line                                    what happened
======================================  ===================================================================
``<alice> text``                        alice said it in the channel that one looks at (in a pipe: the first)
``#other <alice> text``                 in another channel
``(private) <alice> text``              to oneself
``(to bob) <me> text``                  oneself to bob
``* <alice> text``                      alice said it of herself, with ``/me``
``-alice- text``                        a notice, mostly of programs and servers
``* alice joined #lobby``               and so on: ``* `` and a name without brackets, for all that is not said
======================================  ===================================================================

``#other``, ``(private)`` and ``(to bob)`` stand in front of notices and ``/me`` too. Nobody can say something that
looks like a line of another kind: what people said has their name in brackets or dashes in front of it.
"""

from collections.abc import Callable
from typing import Final

from securechat.client.events import (
    Away,
    Event,
    Invited,
    Joined,
    Kicked,
    Kind,
    MessageReceived,
    ModesChanged,
    Names,
    NickChanged,
    Parted,
    Quit,
    Refused,
    ServerSaid,
    TopicChanged,
)
from securechat.client.safe import safe_name, safe_text
from securechat.irc.names import casefold


def line(event: Event, home: str | None) -> str | None:
    """The line for an event, safe to be printed; None for one that is not for people to read.

    `home`: the channel whose messages need no name in front.
    """
    if isinstance(event, MessageReceived):
        return _said(event, home)
    if describe := _LINES.get(type(event)):
        return describe(event)
    return None


def refusal(event: Refused) -> str:
    """A sentence about a request that was refused: what was to be done, and the server's words."""
    about = f" ({safe_name(event.about)})" if event.about else ""
    sentence = f"{safe_text(event.text) or 'refused'}{about}"
    if event.request is not None and event.request.command == "PRIVMSG":
        return f"{sentence}; not said: {safe_text(event.request.params[-1])}"
    return sentence


def _said(event: MessageReceived, home: str | None) -> str:
    name, text = safe_name(event.source), safe_text(event.text)
    if event.kind is Kind.ACTION:
        said = f"* <{name}> {text}"
    elif event.kind is Kind.NOTICE:
        said = f"-{name}- {text}"
    elif event.kind is Kind.CTCP:
        said = f"-{name}- CTCP {text}"
    else:
        said = f"<{name}> {text}"
    if event.private:
        return f"(to {safe_name(event.target)}) {said}" if event.own else f"(private) {said}"
    if home is not None and casefold(event.target) == casefold(home):
        return said
    return f"{safe_name(event.target)} {said}"


def _reason(text: str) -> str:
    return f" ({safe_text(text)})" if text else ""


def _joined(event: Joined) -> str:
    return f"* {safe_name(event.nick)} joined {safe_name(event.channel)}"


def _parted(event: Parted) -> str:
    return f"* {safe_name(event.nick)} left {safe_name(event.channel)}{_reason(event.reason)}"


def _kicked(event: Kicked) -> str:
    who, channel, by = map(safe_name, (event.nick, event.channel, event.by))
    return f"* {who} was put out of {channel} by {by}{_reason(event.reason)}"


def _quit(event: Quit) -> str:
    reason = event.reason.removeprefix("Quit:").strip()  # which servers put in front of what people say
    return f"* {safe_name(event.nick)} quit{_reason(reason)}"


def _renamed(event: NickChanged) -> str:
    return f"* {safe_name(event.old)} is now {safe_name(event.new)}"


def _topic(event: TopicChanged) -> str:
    channel, topic = safe_name(event.channel), safe_text(event.topic)
    if event.by is None:
        return f"* the topic of {channel} is: {topic}" if topic else f"* {channel} has no topic"
    by = safe_name(event.by)
    return f"* {by} set the topic of {channel}: {topic}" if topic else f"* {by} took away the topic of {channel}"


def _modes(event: ModesChanged) -> str:
    return f"* {safe_name(event.by)} set modes of {safe_name(event.target)}: {safe_text(event.modes)}"


def _invited(event: Invited) -> str:
    return f"* {safe_name(event.by)} invited {safe_name(event.nick)} to {safe_name(event.channel)}"


def _names(event: Names) -> str:
    return f"* in {safe_name(event.channel)}: {', '.join(map(safe_name, event.names)) or 'nobody'}"


def _away(event: Away) -> str:
    return f"* {safe_name(event.nick)} is not there: {safe_text(event.text)}"


def _server(event: ServerSaid) -> str:
    return f"-{safe_name(event.source)}- {safe_text(event.text)}"


_LINES: Final[dict[type[Event], Callable[..., str]]] = {
    Away: _away,
    Invited: _invited,
    Joined: _joined,
    Kicked: _kicked,
    ModesChanged: _modes,
    Names: _names,
    NickChanged: _renamed,
    Parted: _parted,
    Quit: _quit,
    ServerSaid: _server,
    TopicChanged: _topic,
}
