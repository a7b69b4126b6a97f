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
``(to operators) -alice- text``         an operator of the server to all others
``* alice took back a message``         which history shows no more; ``#other`` in front of it as above
``* alice joined #lobby``               and so on: ``* `` and a name without brackets, for all that is not said
======================================  ===================================================================

``#other``, ``(private)`` and ``(to bob)`` stand in front of notices and ``/me`` too. Nobody can say something that
looks like a line of another kind: what people said has their name in brackets or dashes in front of it. A message of
several lines is as many lines, each with the name in front; a screen that sets off the others by itself takes `block`.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from securechat.client import answers
from securechat.client.events import (
    AccountChanged,
    Acknowledged,
    Away,
    AwayChanged,
    ChannelRenamed,
    Event,
    IgnoredChanged,
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
    RealnameChanged,
    Redacted,
    Refused,
    ServerSaid,
    TopicChanged,
    Wallops,
)
from securechat.client.mode_words import deeds, personal_modes, whom
from securechat.client.safe import safe_name, safe_text
from securechat.irc.names import casefold


def line(event: Event, home: str | None) -> str | None:
    """The line for an event, safe to be printed; None for one that is not for people to read.

    `home`: the channel whose messages need no name in front.
    """
    if isinstance(event, MessageReceived):
        return _said(event, home)
    if isinstance(event, Redacted):
        return _redacted(event, home)
    if describe := _LINES.get(type(event)):
        return describe(event)
    return None


def lines(event: Event, home: str | None) -> list[str]:
    """The lines for an event: more than one for a message of several lines, of which each has the name in front."""
    if isinstance(event, MessageReceived):
        texts = [""] if event.taken_back else event.text.split("\n")
        return [_said(replace(event, text=text), home) for text in texts]
    shown = line(event, home)
    return [] if shown is None else [shown]


def block(event: Event, home: str | None) -> list[str]:
    """As `lines`, but the second and all others are the text alone. They are not to be printed at the left edge."""
    if isinstance(event, MessageReceived) and event.taken_back is None:
        first, *others = event.text.split("\n")
        return [_said(replace(event, text=first), home), *map(safe_text, others)]
    return lines(event, home)


def refusal(event: Refused) -> str:
    """A sentence about a request that was refused: what was to be done, and the server's words."""
    text, about = safe_text(event.text) or "refused", safe_name(event.about)
    sentence = f"{text} ({about})" if event.about and about not in text.split() else text
    if event.request is not None and event.request.command == "PRIVMSG":
        return f"{sentence}; not said: {safe_text(event.request.params[-1])}"
    return sentence


def _said(event: MessageReceived, home: str | None) -> str:
    name, text = safe_name(event.source), safe_text(event.text)
    if event.taken_back is not None:
        said = _taken_back(event.taken_back, event.source, "this message")
    elif event.kind is Kind.ACTION:
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


def _redacted(event: Redacted, home: str | None) -> str:
    said = _taken_back(event, event.author, "a message", _when(event))
    if event.private:
        return f"(to {safe_name(event.target)}) {said}" if event.own else f"(private) {said}"
    if home is not None and casefold(event.target) == casefold(home):
        return said
    return f"{safe_name(event.target)} {said}"


def _taken_back(event: Redacted, author: str, what: str, when: str = "") -> str:
    """By whom, and whose it was if it was another's."""
    whose = f" of {safe_name(author)}" if author and casefold(author) != casefold(event.by) else ""
    reason = f": {safe_text(event.reason)}" if event.reason else ""
    return f"* {safe_name(event.by)} took back {what}{whose}{when}{reason}"


def _when(event: Redacted) -> str:
    """From when the message was, if one has seen it: the time alone, if it was on the same day."""
    if event.said is None:
        return ""
    said, now = event.said.astimezone(), (event.time or datetime.now(UTC)).astimezone()
    return f" from {said:%H:%M}" if said.date() == now.date() else f" from {said:%Y-%m-%d %H:%M}"


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
    by, target, modes = safe_name(event.by), safe_name(event.target), safe_text(event.modes)
    if event.personal:
        letters = "".join(change.letter for change in event.changes if change.adding)
        words = personal_modes(letters)
        return f"* {by} set {modes} on {target}" + (f" ({words})" if words else "")
    if event.changes:
        return f"* {by} {deeds(event.changes)} in {target}"
    return f"* {by} set modes of {target}: {modes}"


def _invited(event: Invited) -> str:
    return f"* {safe_name(event.by)} invited {safe_name(event.nick)} to {safe_name(event.channel)}"


def _channel_renamed(event: ChannelRenamed) -> str:
    by, old, new = map(safe_name, (event.by, event.old, event.new))
    return f"* {by} renamed {old} to {new}{_reason(event.reason)}"


def _names(event: Names) -> str:
    return f"* in {safe_name(event.channel)}: {', '.join(map(safe_name, event.names)) or 'nobody'}"


def _away(event: Away) -> str:
    return f"* {safe_name(event.nick)} is not there: {safe_text(event.text)}"


def _away_changed(event: AwayChanged) -> str:
    nick = safe_name(event.nick)
    return f"* {nick} is back" if event.text is None else f"* {nick} is away{_reason(event.text)}"


def _realname(event: RealnameChanged) -> str:
    return f"* {safe_name(event.nick)} has the real name {safe_text(event.realname)} now"


def _account(event: AccountChanged) -> str:
    nick = safe_name(event.nick)
    return f"* {nick} logged out" if event.account is None else f"* {nick} logged in as {safe_name(event.account)}"


def _wallops(event: Wallops) -> str:
    return f"(to operators) -{safe_name(event.source)}- {safe_text(event.text)}"


def _ignored(event: IgnoredChanged) -> str:
    return f"* you {'ignore' if event.adding else 'no longer ignore'} {whom(event.mask)}"


def _done(event: Acknowledged) -> str | None:
    """Where the server says nothing to a change, because all was like that already, people should know."""
    return "* nothing has changed" if event.empty and event.request.command in ("MODE", "SILENCE") else None


_LINES: Final[dict[type[Event], Callable[..., str | None]]] = {
    AccountChanged: _account,
    Acknowledged: _done,
    Away: _away,
    AwayChanged: _away_changed,
    ChannelRenamed: _channel_renamed,
    IgnoredChanged: _ignored,
    Invited: _invited,
    Joined: _joined,
    Kicked: _kicked,
    ModesChanged: _modes,
    Names: _names,
    NickChanged: _renamed,
    Parted: _parted,
    Quit: _quit,
    RealnameChanged: _realname,
    ServerSaid: answers.line,
    TopicChanged: _topic,
    Wallops: _wallops,
}
