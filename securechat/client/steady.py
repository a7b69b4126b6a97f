"""`Steady`: a chat that outlives its connections, for a screen or a pipe on top of it.

A thread of its own, the *keeper*, makes a new connection when one has broken, goes into the channels again, says again
what was not acknowledged, and asks for what was missed; `resuming` has these steps. What one says meanwhile waits in
the `Outbox`; what comes goes through the `Timeline`, which lets each message through once.

The password stays in memory, in the `Door`, for as long as there may be another connection; an invitation becomes
one there when it has been taken.

What has to be done by somebody ends it: a certificate that does not prove who the server is, a password that is not
taken, a ban. `check()` and all that waits raise it then.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from securechat.client.capabilities import HISTORY as HISTORY_CAPABILITY
from securechat.client.catching_up import CatchUp
from securechat.client.connection import WINDOW, Client
from securechat.client.door import Door
from securechat.client.errors import ClientError, ConnectionLostError
from securechat.client.events import (
    Acknowledged,
    Broken,
    Disconnected,
    Event,
    LoginWaiting,
    Page,
    Refused,
    Resumed,
)
from securechat.client.outbox import Outbox, Saying
from securechat.client.resuming import Places, Resuming, given_up, recognise, say
from securechat.client.retrying import LONGEST, Backoff, worth_another_try
from securechat.client.timeline import Timeline
from securechat.irc.message import Message

_CALM: Final = 1.0  # seconds between two tries, however impatient somebody is


class Steady:
    """A chat over as many connections as it takes.

    `on_event(event)` is told what happens, one thing after the other: what the library tells (`events`), and `Broken`,
    `Resumed`, `NewSince`, `MissedMore` and `Unsaid`; before `start()` only `LoginWaiting`; the last is `Disconnected`.
    It may block, and must not wait for the chat. `reconnects`: whether a lost connection is made again, or ends it.
    `history`: how many of the last lines of each conversation to tell at the start. `most`: how many to tell of what
    was missed.
    """

    def __init__(
        self,
        on_event: Callable[[Event], None],
        door: Door,
        channels: Sequence[str],
        *,
        reconnects: bool = True,
        history: int = 0,
        most: int = 300,
    ) -> None:
        self._on_event = on_event
        self.door = door
        """How one gets in, the next time too."""
        self._reconnects = reconnects
        self._history = history
        self._most = most
        self._backoff = Backoff()
        self.timeline = Timeline()
        """What was shown. Its lock is held while something is told; the one below may be taken inside it."""
        self._places = Places(channels)
        # Guards the outbox, the places and what follows, and is told when they change. A client's lock may be taken
        # inside it.
        self._changed = threading.Condition(threading.RLock())
        self._outbox = Outbox()
        self._client = Client(self._hear)
        self._opened: deque[str] = deque()  # channels into which one has come, and whose last lines are not told yet
        self._inside = False  # whether it is known in which channels one is, on this connection
        self._here = False  # whether what is said goes out at once
        self._started = False
        self._since: datetime | None = None  # up to when nothing is missing
        self._away_since: float | None = None
        self._hurried = False
        self._leaving = False
        self._over = False
        self._error: BaseException | None = None
        self._begun = threading.Event()  # before that nothing is told
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    # -- beginning and end --------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Make the first connection. Raises what `Client.connect` raises: at the start nothing is tried again."""
        self.timeline.hold()
        self.door.open(self._client, self._later)

    def start(self) -> None:
        """Go into the channels, and stay in them from now on, until `leave()`. Comes back at once."""
        self._begun.set()
        self._keeper.start()

    def leave(self, reason: str = "") -> None:
        """Leave the chat; what is not acknowledged is not said any more."""
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        self._begun.set()
        self._client.leave(reason)
        if self._keeper.ident is not None:
            self._keeper.join(1.0)  # it may be in the middle of a try, which nothing can cut short

    def hurry(self) -> None:
        """Somebody is waiting: if the connection is not there, try now."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()

    # -- what one knows -----------------------------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """The connection of now, or the last one."""
        return self._client

    @property
    def here(self) -> bool:
        """Whether the connection stands, and all that was missed has been told."""
        return self._here

    @property
    def away(self) -> bool:
        """Whether the connection is lost, and what one says is kept."""
        return self._away_since is not None

    def unsaid(self) -> list[str]:
        """What one has said and is not acknowledged."""
        with self._changed:
            return [saying.text for saying in self._outbox.open()]

    def check(self) -> None:
        """Raise what has ended it, if something has."""
        with self._changed:
            self._require_alive()

    # -- what one says ------------------------------------------------------------------------------------------------

    def say(self, target: str, text: str, *, act: bool = False, notice: bool = False) -> list[Saying]:
        """Say something, in as many messages as it takes: now, or as soon as the connection is there.

        Raises `UnsendableError`, and `TooManyWaitError`.
        """
        return [self.put(piece) for piece in self._client.pieces(target, text, act=act, notice=notice)]

    def put(self, piece: tuple[str, ...], lines: Sequence[str] = ()) -> Saying:
        """Say one message: the command and its parameters, as `Client.pieces` gives them."""
        Message(piece[0], [*piece[1:-1], "" if lines else piece[-1]]).encode()  # what can't be sent must not wait
        with self._changed:
            self._require_alive()
            saying = Saying(piece, tuple(lines))
            self._outbox.add(saying)
            if self._here:
                with contextlib.suppress(ConnectionLostError):  # it waits for the next one
                    say(self._client, self._outbox, saying)
            return saying

    def say_lines(self, target: str, lines: Sequence[str]) -> list[Saying]:
        """Say several lines: as one message if the server takes such, and so many at once; else one by one."""
        if self._client.takes_whole(target, lines):
            return [self.put(("PRIVMSG", target, "\n".join(lines)), lines)]
        return [saying for line in lines if line.strip() for saying in self.say(target, line)]

    def older(self, name: str, count: int) -> None:
        """Ask for messages of a conversation before those that are shown; a `Page` will come, or a `Refused`.

        Raises `ConnectionLostError`.
        """
        client = self._client
        client.request(*CatchUp(client, count).before(name, self.timeline.first(name), count))

    def join(self, channel: str, key: str = "") -> None:
        """Go into a channel, and again after each loss of the connection. Raises `ConnectionLostError`."""
        self._client.join(channel, key)
        with self._changed:
            self._places.keys[channel] = key

    # -- waiting ------------------------------------------------------------------------------------------------------

    def wait_until_here(self) -> None:
        """Wait until the channels are joined and all is told, for the first time. Raises what has ended it."""
        self._wait(lambda: self._started)

    def wait_for_room(self, window: int = WINDOW) -> None:
        """Wait until fewer than `window` messages are unanswered. Raises what has ended it."""
        self._wait(lambda: len(self._outbox) < window)

    def settle(self, patience: float) -> None:
        """Wait until all that was said is answered.

        Raises what has ended it, and `ConnectionLostError` where there was no connection for `patience` seconds.
        """
        begun = time.monotonic()
        with self._changed:
            while len(self._outbox):
                self._require_alive()
                since = None if self._away_since is None else max(self._away_since, begun)
                left = None if since is None else since + patience - time.monotonic()
                if left is not None and left <= 0:
                    raise ConnectionLostError(
                        f"the connection was lost, and could not be made again in {patience:g} seconds"
                    )
                self._changed.wait(left)

    def _wait(self, done: Callable[[], bool]) -> None:
        with self._changed:
            while not done():
                self._require_alive()
                self._changed.wait()

    def _require_alive(self) -> None:
        """Raise if it is over. The caller holds the lock."""
        if self._over or self._leaving:
            raise self._error or ConnectionLostError("the connection was ended at this end")

    # -- inside: what comes, in the thread of the connection ----------------------------------------------------------

    def _hear(self, event: Event) -> None:
        if isinstance(event, LoginWaiting):  # it is told while one connects, in the thread that does so
            self._tell([event])
            return
        self._begun.wait()
        with self.timeline.lock:
            with self._changed:
                if isinstance(event, Disconnected):  # the keeper looks at the client itself
                    self._changed.notify_all()
                    return
                self._note(event)
                repeats = self._places.repeats(event)
                new = self._places.follow(event)
                if new is not None and self._inside and self._history:
                    self.timeline.hold_one(new)
                    self._opened.append(new)
                    self._changed.notify_all()
            if not repeats:
                self._tell(self.timeline.arrived(event))

    def _note(self, event: Event) -> None:
        """What an answer says of what was asked. The caller holds the lock."""
        if isinstance(event, Acknowledged | Refused) and event.request is not None:
            self._outbox.answered(event.request)
            self._changed.notify_all()
        elif isinstance(event, Page) and event.request.command == "CHATHISTORY":
            self.timeline.older(event.request.params[1], event.entries)

    def _tell(self, events: Sequence[Event]) -> None:
        with self.timeline.lock:
            for event in events:
                self._on_event(event)

    # -- inside: the keeper -------------------------------------------------------------------------------------------

    def _keep(self) -> None:
        error: BaseException | None = None
        try:
            while self._stay():
                pass
        except BaseException as raised:  # it is for those who wait, not for the end of a thread
            error = raised
        with self._changed:
            self._error = None if self._leaving and isinstance(error, ClientError) else error
            self._over = True
            self._here = False
            self._changed.notify_all()
        with contextlib.suppress(Exception):  # there is nobody left to be told
            self._tell([Disconnected(self._error)])

    def _stay(self) -> bool:
        """Use the connection until it ends, then make another. False if somebody leaves. Raises what is final."""
        begun = time.monotonic()
        try:
            self._resume()
            self._watch()
        except ConnectionLostError as lost:
            with self._changed:
                self._outbox.lost()
                self._opened.clear()
                if self._here:
                    self._since = self.timeline.latest
                self._here = self._inside = False
                self._away_since = time.monotonic()
                self._changed.notify_all()
            if self._leaving:
                return False
            if not self._client.has_history:
                self._tell(self.timeline.live())  # it will not come again
            self._backoff.lasted(time.monotonic() - begun)
            if not self._reconnects:
                raise
            return self._connect_again(lost)
        return False

    def _resume(self) -> None:
        """All that there is to do on a new connection."""
        client = self._client
        resuming = self._resuming()
        if not client.has_history:
            self._tell(self.timeline.live())
        resuming.enter(self._places)
        if self._later:
            client.enable(*self._later)  # from now on we ask for what we miss
        with self._changed:
            self._places.returning = False
            self._inside = True
            resuming.say_again(self._outbox)
        if self._started:
            resuming.catch_up(self._since)
        else:
            resuming.first_time()
        with self.timeline.lock:
            self._tell(self.timeline.live())
            with self._changed:
                lost = given_up(self._outbox, says_once=resuming.says_once)
            self._tell(lost)
            with self._changed:
                for saying in self._outbox.unsent():
                    say(client, self._outbox, saying)
                resumed = self._away_since is not None
                self._here, self._started, self._away_since = True, True, None
                self._changed.notify_all()
            if resumed:
                self._tell([Resumed()])

    @property
    def _later(self) -> tuple[str, ...]:
        """Who wants no history at the start does without this: then our server shows what the device has missed."""
        return () if self._history or self._started else (HISTORY_CAPABILITY,)

    def _resuming(self) -> Resuming:
        return Resuming(
            self._client, self.timeline, self._tell, self._recognise, history=self._history, most=self._most
        )

    def _watch(self) -> None:
        """Wait until the connection ends, and raise why; come back when somebody wants to leave."""
        client = self._client
        while True:
            with self._changed:
                while not (client.ended or self._leaving or self._opened):
                    self._changed.wait()
                if self._leaving:
                    return
                name = self._opened.popleft() if self._opened and not client.ended else None
            client.check()
            if name is not None:
                self._resuming().opened(name)

    def _connect_again(self, lost: BaseException) -> bool:
        """Make another connection, however long it takes. False if somebody wants to leave. Raises what is final."""
        error, again, told = lost, False, ""
        while True:
            delay = self._backoff.next()
            if str(error) != told or delay < LONGEST / 2:  # else everybody has seen it by now
                told = str(error)
                self._tell([Broken(error, delay, again)])
            if not self._rest(delay):
                return False
            self.timeline.hold()
            with self._changed:
                self._places.returning = self._started
            client = Client(self._hear)
            try:
                self.door.open(client, self._later)
            except Exception as failed:
                if not worth_another_try(failed):
                    raise
                error, again = failed, True
                continue
            with self._changed:
                self._client = client
                leaving = self._leaving
            if leaving:
                client.leave()
            return not leaving

    def _rest(self, delay: float) -> bool:
        """Wait, but not if somebody is in a hurry. False if somebody wants to leave."""
        now = time.monotonic()
        until, soonest = now + delay, now + min(delay, _CALM)
        with self._changed:
            self._hurried = False
            while not self._leaving:
                left = (soonest if self._hurried else until) - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            return not self._leaving

    def _recognise(self, event: Event) -> Event:
        """Something out of history, which may be what one has said when the connection broke."""
        with self._changed:
            told = recognise(event, self._outbox)
            self._changed.notify_all()
            return told
