"""A store with a journal on it, without a server: what is put in, and what comes out."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from securechat.chat.client_ids import LIFETIME
from securechat.chat.devices import here
from securechat.chat.events import (
    AccountRemoved,
    Collected,
    Event,
    IdsForgotten,
    Left,
    NickChanged,
    Redacted,
    Returned,
    Said,
)
from securechat.chat.machine import Applied, Chat
from securechat.chat.model import Rules
from securechat.chat.requests import AddAccount, Arrive, Join, Request, Say, Start
from securechat.chat.views import snapshot
from securechat.store import rows
from securechat.store.clock import Stamps
from securechat.store.database import Database
from securechat.store.journal import Entry, Journal
from securechat.store.schema import SCHEMA
from securechat.store.tables import load, rewrite_tables
from tests.chat.invariants import check_chat
from tests.store.disk import Disk


class Client:
    """Who puts entries, and is woken to take the journal's turn."""

    def __init__(self) -> None:
        self.woken = threading.Event()

    def wake(self) -> None:
        self.woken.set()


class Shop:
    """``shown`` has all events that were delivered, in order, and ``told`` the requests of which they are, with their
    stamps; ``owed`` those events that could not be written yet; ``errors`` what the journal complained of.
    ``on_deliver`` is called with each batch that is delivered.
    """

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        self.path = path
        self.disk = disk or Disk()
        self.database = Database(path, connect=self.disk.connect)
        self.chat, last = self.database.load()
        self.stamps = Stamps(last)
        self.journal = Journal(self.chat, self.database, self.stamps, self._deliver, self._complain)
        self.shown: list[Event] = []
        self.told: list[tuple[int, Request]] = []
        self.owed: list[Event] = []
        self.delivered: list[Entry] = []
        self.on_deliver: Callable[[list[Entry]], object] = lambda _: None
        self._not_stored = False
        self.errors: list[tuple[str, BaseException]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.database.close()

    def _deliver(self, batch: list[Entry]) -> None:
        for entry in batch:
            for request, outcome in zip(entry.requests, entry.outcomes, strict=True):
                if isinstance(outcome, Applied) and outcome.events:
                    self.told.append((outcome.events[0].stamp, request))
        events = [event for entry in batch for outcome in applied(entry) for event in outcome.events]
        self.shown.extend(events)
        if self._not_stored:
            self.owed.extend(event for event in events if rows.is_stored(event))
        else:
            self.owed.clear()
        self._not_stored = False
        self.delivered.extend(batch)
        self.on_deliver(batch)

    def _complain(self, what: str, error: BaseException) -> None:
        self.errors.append((what, error))
        self._not_stored = what == "not stored"

    def batch(self, *entries: Entry) -> None:
        """Have the journal do these in one transaction."""
        for entry in entries:
            self.journal.put(entry)
        self.journal.run()

    def ask(self, *requests: Request) -> list[Entry]:
        """One entry for each request, all in one transaction."""
        entries = [Entry(Client(), (request,)) for request in requests]
        self.batch(*entries)
        return entries

    def do(self, *requests: Request) -> None:
        """What must be accepted."""
        for entry in self.ask(*requests):
            (outcome,) = entry.outcomes
            assert isinstance(outcome, Applied), outcome

    def open(self, *names: str) -> None:
        """Start, with these accounts."""
        self.do(Start(Rules(guests=True)), *(AddAccount(name, f"hash of {name}'s") for name in names))

    def login(self, session: int, name: str, device: str = "") -> Arrive:
        account = self.chat.accounts[name]
        secret = account.credential_set
        return Arrive(session, name, f"~{name}", "host", f"{name}'s name", account.id, secret, device=device)

    def check(self) -> None:
        """The file, looked at anew, has all that was shown and is not owed, in this order, and nothing else; and with
        what is owed it says what the chat says."""
        check_chat(self.chat)
        owed = {event.stamp for event in self.owed}
        kept = [event for event in self.shown if event.stamp not in owed]
        with look(self.path) as (_, _, connection), contextlib.closing(sqlite3.connect(":memory:")) as whole:
            for found, events in ((connection, kept), (whole, self.shown)):
                if found is whole:
                    connection.backup(whole)
                    write(whole, self.owed)
                assert log(found) == log_of(events)
                assert seen_in_several(found) == seen_in_several_of(events)
                assert called(found) == called_of(events)
                assert held(found) == still_held(events)
            assert tables(whole) == tables_of(self.chat)
            chat = load(whole)
            assert lasting(chat) == lasting(self.chat)
            assert chat.held_numbers.keys() == self.chat.held_numbers.keys()
            assert all(number <= self.chat.held_numbers[id] for id, number in chat.held_numbers.items())


ANN, BOB = 1, 2


class Table(Shop):
    """A shop in which Ann and Bob are there, and in #tea."""

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        super().__init__(path, disk)
        self.open("ann", "bob", "eve")
        self.do(self.login(ANN, "ann"), self.login(BOB, "bob"), Join(ANN, "#tea"), Join(BOB, "#tea"))
        self.delivered.clear()


def hello(session: int, text: str = "hello") -> Say:
    return Say(session, "PRIVMSG", "#tea", text)


def tag(session: int = ANN) -> Say:
    """What is ordered and never stored."""
    return Say(session, "TAGMSG", "#tea", "")


def applied(entry: Entry) -> list[Applied]:
    return [outcome for outcome in entry.outcomes if isinstance(outcome, Applied)]


@contextlib.contextmanager
def look(path: Path) -> Iterator[tuple[Chat, int, sqlite3.Connection]]:
    """What a server would find that started now: the chat and the greatest stamp; and a connection to look further."""
    database = Database(path)
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            yield *database.load(), connection
    finally:
        database.close()


def lasting(chat: Chat) -> dict[str, object]:
    """What of a chat is to outlast the server."""
    state = snapshot(chat)
    lasts = {channel.id for channel in chat.channels.values() if channel.lasting}
    channels = {
        key: (
            channel.id,
            channel.name,
            channel.created,
            channel.founder,
            channel.topic,
            channel.flags,
            channel.join_key,
            channel.limit,
            {letter: list(entries.items()) for letter, entries in channel.lists.items()},
            channel.access.copy(),
            list(channel.metadata.items()),
            channel.restricted,
            channel.open_since,
            {id: since for id, since in channel.readers.items() if id in chat.accounts_by_id},
            set(channel.residents),
        )
        for key, channel in chat.channels.items()
        if channel.lasting
    }
    metadata = {id: list(values.items()) for id, values in chat.metadata.items()}
    remembered = {id: lasts & channels.keys() for id, channels in chat.remembered.items()}
    names = ("accounts", "accounts_by_id", "held", "founded", "silenced", "bans", "settings", "devices", "markers")
    return {name: state[name] for name in names} | {
        "metadata": metadata,
        "channels": channels,
        "remembered": {id: channels for id, channels in remembered.items() if channels},
        "here": here(chat),
        "client_ids": {
            id: list(ids.items()) for id, ids in client_ids_of_a_day(chat).items() if id in chat.accounts_by_id
        },
    }


def client_ids_of_a_day(chat: Chat) -> dict[int, dict[str, int]]:
    """What is known of older ones nobody asks for."""
    last = max((stamp for ids in chat.client_ids.values() for stamp in ids.values()), default=0)
    young = {
        id: {name: stamp for name, stamp in ids.items() if stamp > last - LIFETIME}
        for id, ids in chat.client_ids.items()
    }
    return {id: ids for id, ids in young.items() if ids}


def after_a_start(chat: Chat) -> dict[str, object]:
    """All of a chat that has just started; without what was taken back last, which the store knows, and of the messages
    that wait how many they are, which it knows better."""
    return {
        **snapshot(chat),
        "taken_back": (),
        "held_numbers": chat.held_numbers.keys(),
        "client_ids": client_ids_of_a_day(chat),
    }


TABLES = (
    "accounts", "channels", "channel_lists", "channel_access", "channel_members", "silenced", "metadata", "server_bans",
    "devices", "read_markers", "account_settings",
)  # fmt: skip
"""What says what the chat says, and does not follow from it alone as the messages that wait do."""


def tables(connection: sqlite3.Connection) -> dict[str, list[tuple[Any, ...]]]:
    found = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES}  # noqa: S608 - ours
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


def tables_of(chat: Chat) -> dict[str, list[tuple[Any, ...]]]:
    """What these tables are to hold, and nothing else."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(SCHEMA)
        for statement, parameters in rewrite_tables(chat):
            connection.execute(statement, parameters)
        return tables(connection)


def write(connection: sqlite3.Connection, events: Sequence[Event]) -> None:
    """As :class:`Database` does."""
    log, client_ids, changes = rows.write_down(events)
    connection.executemany(rows.INSERT_LOG, log)
    connection.executemany(rows.INSERT_CLIENT_ID, client_ids)
    for statement, parameters in changes:
        connection.execute(statement, parameters)


def log(connection: sqlite3.Connection) -> list[rows.Row]:
    return connection.execute(f"SELECT {rows.COLUMNS} FROM log ORDER BY stamp").fetchall()  # noqa: S608 - our own names


def log_of(events: Sequence[Event]) -> list[rows.Row]:
    """The rows of these events; of what was taken back, without what it said."""
    gone = {event.original for event in events if isinstance(event, Redacted)}
    return [(*row[:7], "", "", row[9]) if row[0] in gone else row for row in rows.write_down(events)[0]]


def seen_in_several(connection: sqlite3.Connection) -> set[tuple[int, int]]:
    """Channels, and the stamps of what is seen there and in others."""
    return set(connection.execute("SELECT * FROM log_channels"))


def seen_in_several_of(events: Sequence[Event]) -> set[tuple[int, int]]:
    return {(channel_id, event.stamp) for event in events for channel_id in _channels_of(event)}


def _channels_of(event: Event) -> Iterable[int]:
    match event:
        case Left() | NickChanged():
            return event.channel_ids
        case Returned():
            return [place.channel_id for place in event.places]
    return ()


def called(connection: sqlite3.Connection) -> set[tuple[int, int, str]]:
    """What clients called their messages."""
    return set(connection.execute("SELECT * FROM client_ids"))


def called_of(events: Sequence[Event]) -> set[tuple[int, int, str]]:
    found: set[tuple[int, int, str]] = set()
    for event in events:
        match event:
            case Said(client_id=str(name), account=str(), account_id=int(id)) if name and rows.is_stored(event):
                found.add((event.stamp, id, name))
            case AccountRemoved():
                found = {row for row in found if row[1] != event.account_id}
            case IdsForgotten():
                found = {row for row in found if row[0] >= event.before}
    return found


def held(connection: sqlite3.Connection) -> set[tuple[int, int]]:
    return set(connection.execute("SELECT account, stamp FROM held"))


def still_held(events: Sequence[Event]) -> set[tuple[int, int]]:
    """By account id and stamp: the messages that wait, as the events tell it."""
    waiting: set[tuple[int, int]] = set()
    for event in events:
        match event:
            case Said(held=True, unheard=False, target_id=int(account_id)):
                waiting.add((account_id, event.stamp))
            case Collected():
                waiting = {(id, stamp) for id, stamp in waiting if id != event.account_id or stamp > event.up_to}
            case AccountRemoved():
                waiting = {(id, stamp) for id, stamp in waiting if id != event.account_id}
    return waiting
