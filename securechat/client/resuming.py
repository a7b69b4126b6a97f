"""What has to be done on each new connection: into the channels, say again, catch up. `Steady` does it in this order.

1. *Into the channels* in which one was; the server brings accounts back into theirs by itself. What it says to
   everybody who comes, and one has read the first time, is told once.
2. *Say again* what was not acknowledged, in the order in which it was said, with the ids that it had: a server that
   has the capability `securechat/client-id` stores it once, and its echo says that it has it.
3. *Catch up* with each channel and each person: what was said behind the last message that one has.

A server that has no such capability may have stored what was under way, or not. It is looked for in the history, by
its text; what is not found there is told to the user, who may say it again. It is never sent again by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from securechat.client.capabilities import CLIENT_ID
from securechat.client.catching_up import CatchUp, HistoryRefused
from securechat.client.connection import Client
from securechat.client.events import (
    ChannelRenamed,
    Conversed,
    Event,
    Joined,
    Kicked,
    Kind,
    MessageReceived,
    MissedMore,
    ModesChanged,
    Names,
    NewSince,
    NoHistory,
    Parted,
    Refused,
    ServerSaid,
    TopicChanged,
    Unsaid,
)
from securechat.client.handlers import action
from securechat.client.history import Point
from securechat.client.outbox import MOST_LOSSES, Outbox, Saying
from securechat.client.requests import UNANSWERED, Refusal
from securechat.client.timeline import Timeline
from securechat.irc.names import casefold

READ_MARKER = "draft/read-marker"

T = TypeVar("T")


class Places:
    """The channels in which one is, or was before the connection broke, by casefolded name."""

    def __init__(self, channels: Sequence[str]) -> None:
        self.names = {casefold(name): name for name in channels}
        self.keys: dict[str, str] = {}
        """The keys of those that have one, as they were typed."""
        self.returning = False
        """Whether one is about to come into all of them again."""
        self._topics: dict[str, str] = {}

    def follow(self, event: Event) -> str | None:
        """Take account of what has happened; the channel into which one has come, if one was not in it before."""
        match event:
            case Joined(own=True, channel=channel):
                new = casefold(channel) not in self.names
                self.names[casefold(channel)] = channel
                return channel if new else None
            case Parted(own=True, channel=channel) | Kicked(own=True, channel=channel):
                self._forget(channel)
            case Refused(request=request) if request is not None and request.command == "JOIN":
                self._forget(request.target)
            case ChannelRenamed(old=old, new=new_name) if casefold(old) in self.names:
                self._forget(old)
                self.names[casefold(new_name)] = new_name
        return None

    def repeats(self, event: Event) -> bool:
        """Whether this is only what one was told when one came for the first time."""
        if isinstance(event, TopicChanged):
            before = self._topics.get(casefold(event.channel))
            self._topics[casefold(event.channel)] = event.topic
            return self.returning and event.by is None and event.topic == (before or "")
        if not self.returning:
            return False
        match event:
            case Joined(own=True, channel=channel) | Names(channel=channel):
                return casefold(channel) in self.names
            case ModesChanged(personal=personal):
                return personal
            case ServerSaid(answers=answers):
                return answers in ("", "JOIN")
        return False

    def _forget(self, channel: str) -> None:
        self.names.pop(casefold(channel), None)
        self._topics.pop(casefold(channel), None)


def say(client: Client, outbox: Outbox, saying: Saying) -> None:
    """Send a message. Raises `ConnectionLostError`; then it waits for the next connection."""
    if not saying.lines:
        outbox.sent(saying, client.request(*saying.params, client_id=saying.id))
        return
    whole = client.say_whole(saying.target, saying.lines, saying.id)
    if whole is None:
        outbox.settle(saying, Refusal("", saying.target, "the server takes no message of so many lines"))
    else:
        outbox.sent(saying, whole)


class Resuming:
    """The beginning of one connection. Its methods wait for the server, and are called one after the other.

    `tell(events)` tells in order; `recognise(event)` may make one's own of a message that one finds in the history.
    """

    def __init__(
        self,
        client: Client,
        timeline: Timeline,
        tell: Callable[[Sequence[Event]], None],
        recognise: Callable[[Event], Event],
        *,
        history: int,
        most: int,
    ) -> None:
        self._client = client
        self._timeline = timeline
        self._tell = tell
        self._recognise = recognise
        self._history = history
        self._most = most
        self.says_once = client.has(CLIENT_ID)
        """Whether a message may be sent again, with the same id."""

    def enter(self, places: Places) -> None:
        """Into all channels. Comes back when it is known in which one is."""
        for name in list(places.names.values()):
            self._client.join(name, places.keys.get(name, ""))
        self._client.sync()
        self._client.settle()
        self._client.fetch_ignored()

    def say_again(self, outbox: Outbox) -> None:
        """What was under way when the connection broke, if it can't be said twice."""
        if self.says_once:
            for saying in outbox.unsent():
                if saying.uncertain and saying.losses < MOST_LOSSES:
                    say(self._client, outbox, saying)

    def first_time(self) -> None:
        """Tell the last lines of each channel, and what people have said to one alone that one has not read."""
        if not self._history:
            return
        for name in reversed(self._client.channels()):
            self.opened(name)
        if not self._client.has(READ_MARKER):
            return
        for person in self._people(None):
            marker = self._client.ask("MARKREAD", person.name)
            read = self._client.read_up_to(person.name)
            if marker.refusal is None and (read is None or (person.last is not None and person.last > read)):
                self._last_lines(person.name, read, since=read)

    def opened(self, name: str) -> None:
        """Tell the last lines of a channel into which one has come."""
        self._last_lines(name, self._client.read_up_to(name))

    def catch_up(self, since: datetime | None) -> None:
        """Tell what was missed: behind the last message of each conversation, or else after `since`."""
        for name in self._client.channels():
            self._missed(name, since)
        for person in self._people(since):
            self._missed(person.name, since)

    def _missed(self, name: str, since: datetime | None) -> None:
        last = self._timeline.last(name) or (Point(None, since) if since is not None else None)
        nothing: tuple[list[Event], bool] = ([], True)
        found, whole = self._asked(name, lambda catch_up: catch_up.missed(name, last), nothing) if last else nothing
        told = [self._recognise(event) for event in found]
        self._release(name, told if whole else [MissedMore(name), *told])

    def _last_lines(self, name: str, read: datetime | None, since: datetime | None = None) -> None:
        nothing: list[Event] = []
        found = self._asked(name, lambda catch_up: catch_up.latest(name, self._history, since), nothing)
        new = first_unread(found, read)
        if new is not None:
            found.insert(new, NewSince(name))
        if new == 0 and read is not None and self._more_unread(name, read, found[1:]):
            found.insert(1, MissedMore(name))
        self._release(name, found)

    def _more_unread(self, name: str, read: datetime, found: Sequence[Event]) -> bool:
        """Whether there is more that one has not read than these last lines, all of which one has not."""
        full = len(found) >= self._history
        return full and self._asked(name, lambda catch_up: catch_up.more_unread(name, read, found), nothing=False)

    def _people(self, since: datetime | None) -> list[Conversed]:
        nobody: list[Conversed] = []
        return self._asked("people", lambda catch_up: catch_up.people(since), nobody)

    def _asked(self, name: str, question: Callable[[CatchUp], T], nothing: T) -> T:
        """What the server answers; `nothing` where it does not, and then that is told."""
        if not self._client.has_history:
            return nothing
        try:
            return question(CatchUp(self._client, self._most))
        except HistoryRefused as refused:
            self._tell([NoHistory(name, str(refused))])
            return nothing

    def _release(self, name: str, missed: Sequence[Event]) -> None:
        with self._timeline.lock:
            self._tell(self._timeline.caught_up(name, missed))


def first_unread(found: Sequence[Event], read: datetime | None) -> int | None:
    """Where in these what one has not read begins; None if one has read all, or nobody knows.

    Whoever says something has read what was said before it.
    """
    if read is None:
        return None
    for index in range(len(found), 0, -1):
        event = found[index - 1]
        if isinstance(event, MessageReceived) and (event.own or (event.time is not None and event.time <= read)):
            return index if index < len(found) else None
    return 0 if found else None


def recognise(event: Event, outbox: Outbox) -> Event:
    """Something out of history: if it is what one has said when the connection broke, it is that from now on."""
    if not isinstance(event, MessageReceived) or not event.own:
        return event

    def suits(saying: Saying) -> bool:
        command = "NOTICE" if event.kind is Kind.NOTICE else "PRIVMSG"
        text = action(event.text) if event.kind is Kind.ACTION else event.text
        return (command, casefold(event.target), text) == (saying.params[0], casefold(saying.target), saying.text)

    saying = outbox.find_uncertain(suits)
    if saying is None:
        return event
    outbox.settle(saying)
    return replace(event, request=saying.last)


def given_up(outbox: Outbox, *, says_once: bool) -> list[Event]:
    """What nobody knows of whether it was said, and can't be said again, or was said again too often."""
    lost = [one for one in outbox.unsent() if one.uncertain and (one.losses >= MOST_LOSSES or not says_once)]
    for saying in lost:
        outbox.settle(saying, Refusal("", saying.target, UNANSWERED))
    return [Unsaid(saying.target, saying.text) for saying in lost]
