"""The law of the store: whatever is asked, and whenever the disk fails, the file says what was shown, and no more."""

import contextlib
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from securechat.chat.events import Arrived, DevicesSeen, Left, Redacted, Returned, Said
from securechat.chat.machine import Applied, Chat
from securechat.chat.model import BanKind, Role, Rules
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import (
    AddAccount,
    AddBan,
    Arrive,
    BecomeOperator,
    ChangeNick,
    ClearMetadata,
    Collect,
    Depart,
    EnableAccount,
    ForgetIds,
    Join,
    Kick,
    Kill,
    LogIn,
    MarkRead,
    Original,
    Part,
    Redact,
    Registrant,
    Rehash,
    RemoveAccount,
    RemoveBan,
    RenameChannel,
    Request,
    Say,
    SetAlwaysOn,
    SetAway,
    SetMetadata,
    SetModes,
    SetOwner,
    SetPassword,
    SetReplay,
    SetRules,
    SetTopic,
    Silence,
    Start,
)
from securechat.chat.stamps import EPOCH_MS
from securechat.chat.views import snapshot
from securechat.irc.modes import ModeChange
from securechat.store import rows
from securechat.store.journal import Entry
from tests.chat import any_request
from tests.chat.any_request import made
from tests.store.disk import BROKEN
from tests.store.shop import Client, Shop, after_a_start, lasting

_names = st.sampled_from(["ann", "bob", "eve"])
_nicks = st.sampled_from(["ann", "BOB", "eve", "guest", "other"])
_channels = st.sampled_from(["#lobby", "#tea", "#fun"])
_sessions = st.integers(1, 5)
_texts = st.sampled_from(["hello", "", "é" * 20])
_rules = st.builds(
    Rules,
    guests=st.sampled_from([True, True, False]),
    channels_per_user=st.sampled_from([100, 1]),
    read_markers=st.sampled_from([1000, 1]),
    devices=st.sampled_from([32, 1]),
)
_devices = st.sampled_from(["", "phone", "tablet"])
_ids = st.sampled_from(["", "", "a", "b"])
_times = st.sampled_from([EPOCH_MS, EPOCH_MS + 1, EPOCH_MS + 2, 2**52])
_ago = st.integers(0, 3)
_numbers = st.integers(0, 2)
_masks = st.sampled_from(["*!*@spam", "*!*@SPAM", "ann!*@*", "~m:bob!*@*"])
_keys = st.sampled_from(["url", "note", "Bad key"])
_bans = st.tuples(st.sampled_from(BanKind), st.sampled_from(["Spam", "SPAM", "eve", "10.0.0.0/8", "10.1.1.1/8"]))
_changes = (
    st.builds(ModeChange, st.booleans(), st.sampled_from("beI"), _masks)
    | st.builds(ModeChange, st.booleans(), st.sampled_from("ohv"), _nicks)
    | st.builds(ModeChange, st.booleans(), st.sampled_from("kl"), st.sampled_from(["1", "30", "no key"]))
    | st.builds(ModeChange, st.booleans(), st.sampled_from("imnstMRC"))
)

_talk: st.SearchStrategy[Request] = st.one_of(
    st.builds(
        Say,
        _sessions,
        st.sampled_from(["PRIVMSG", "NOTICE", "TAGMSG"]),
        _channels | _nicks,
        _texts,
        client_id=_ids,
    ),
    st.builds(Arrive, _sessions, _nicks, st.just("~u"), st.just("h"), st.just("r")),
    st.builds(Depart, _sessions, _texts),
    st.builds(Join, _sessions, _channels),
    st.builds(MarkRead, _sessions, _channels | _nicks, _times),
    st.builds(SetReplay, _sessions, st.sampled_from([None, 0, 5])),
    st.builds(SetAlwaysOn, _sessions, st.sampled_from([True, True, False])),
    st.builds(Part, _sessions, _channels),
    st.builds(SetTopic, _sessions, _channels, _texts),
    st.builds(ChangeNick, _sessions, _nicks),
    st.builds(AddAccount, _names, _texts, st.sampled_from(Role)),
    st.builds(SetPassword, _names, _texts, st.none() | _sessions),
    st.builds(EnableAccount, _names, st.booleans()),
    st.builds(RemoveAccount, _names),
    st.builds(Start, _rules),
    st.builds(SetRules, _rules),
)

_order: st.SearchStrategy[Request] = st.one_of(
    st.builds(SetModes, _sessions, _channels, st.lists(_changes, min_size=1, max_size=5).map(tuple)),
    st.builds(Kick, _sessions, _channels, _nicks, _texts),
    st.builds(RenameChannel, _sessions, _channels, st.sampled_from(["#TEA", "#fun", "#new"]), _texts),
    st.builds(SetOwner, _sessions, _channels, st.none() | _names),
    st.builds(SetMetadata, _sessions, st.just("*") | _channels | _nicks, _keys, st.none() | _texts),
    st.builds(ClearMetadata, _sessions, st.just("*") | _channels),
    st.builds(Silence, _sessions, st.booleans(), _masks),
    st.builds(SetAway, _sessions, st.none() | _texts),
    st.builds(BecomeOperator, _sessions, st.just("root")),
    st.builds(Kill, _sessions, _nicks, _texts),
    st.builds(lambda ban, *rest: AddBan(None, *ban, *rest), _bans, _texts),
    st.builds(lambda ban: RemoveBan(None, *ban), _bans),
)
_requests = _talk | _order


def without_devices(chat: Chat) -> dict[str, object]:
    """What nobody's coming and going changes, unless it is found meanwhile that they may not come into a channel."""
    return {**lasting(chat), "devices": None, "here": None}


class Stores(RuleBasedStateMachine):
    """Puts batches of requests, and breaks the disk."""

    def __init__(self) -> None:
        super().__init__()
        self._leave = contextlib.ExitStack()
        directory = self._leave.enter_context(tempfile.TemporaryDirectory())
        self.shop = self._leave.enter_context(Shop(Path(directory) / "db"))
        self.waiting: list[Request] = []

    @initialize(rules=_rules, names=st.lists(_names, min_size=1, unique=True))
    def begin(self, rules: Rules, names: list[str]) -> None:
        self.shop.do(Start(rules), *(AddAccount(name, "hash") for name in names))
        for session, name in enumerate(names, 1):
            self.shop.do(self.shop.login(session, name), Join(session, "#tea"))

    # What is to be in the next batch.

    @rule(requests=st.lists(_requests, min_size=1, max_size=4))
    def want(self, requests: list[Request]) -> None:
        self.waiting += requests

    @rule(session=_sessions, name=_names, device=_devices, ago=_ago, asks=st.booleans())
    def want_to_come(self, session: int, name: str, device: str, ago: int, asks: bool) -> None:
        if name in self.shop.chat.accounts:
            login = self.shop.login(session, name, device)
            login.seen, login.asks = self.moment(ago), asks
            self.waiting.append(login)

    @rule(session=_sessions, ago=_ago)
    def want_to_catch_up(self, session: int, ago: int) -> None:
        self.waiting.append(Collect(session, self.moment(ago)))

    @rule(session=_sessions, ago=_ago)
    def want_to_go(self, session: int, ago: int) -> None:
        self.waiting.append(Depart(session, "gone", self.moment(ago)))

    @rule(session=_sessions, name=_names)
    def want_to_log_in(self, session: int, name: str) -> None:
        if name in self.shop.chat.accounts:
            account = self.shop.chat.accounts[name]
            self.waiting.append(LogIn(session, account.id, account.credential_set, "h2"))

    @rule(session=_sessions, name=_names)
    def want_to_register(self, session: int, name: str) -> None:
        self.waiting.append(AddAccount(name, "hash", by=Registrant(session, "192.0.2.1", "h2")))

    @rule(which=_numbers, session=_sessions, by_author=st.booleans())
    def want_to_take_back(self, which: int, session: int, by_author: bool) -> None:
        """One of the last messages in the log that nobody has taken back: whoever asks looks there first, and a chat
        that was read from the file does not know any more which were."""
        gone = {event.original for event in self.shop.shown if isinstance(event, Redacted)}
        said = [event for event in self.shop.shown if isinstance(event, Said) and rows.is_stored(event)]
        said = [event for event in said if event.stamp not in gone]
        if said:
            event = said[-1 - which % len(said)]
            original = Original(event.stamp, event.account_id, event.channel_id, event.target, event.target_id)
            authors = [s for s, user in self.shop.chat.sessions.items() if user.id == event.account_id]
            self.waiting.append(Redact(authors[0] if authors and by_author else session, event.target, original, "x"))

    def moment(self, ago: int) -> int:
        """The stamp of an event not long ago, or 0."""
        return self.shop.shown[-5 * ago].stamp if 0 < 5 * ago < len(self.shop.shown) else 0

    @rule(session=_sessions, off=_numbers)
    def want_to_collect(self, session: int, off: int) -> None:
        user = self.shop.chat.sessions.get(session)
        if user is not None and user.account_id in self.shop.chat.held:
            self.waiting.append(Collect(session, self.shop.chat.held[user.account_id] - off))

    @rule(name=_names, ago=_ago)
    def want_to_keep_house(self, name: str, ago: int) -> None:
        account = self.shop.chat.accounts.get(name)
        if account is not None:
            self.waiting.append(Rehash(account.id, account.credential_set, "renewed"))
        if ago:
            self.waiting.append(ForgetIds(self.moment(ago)))

    @rule(
        who=_numbers,
        which=_numbers,
        requests=st.lists(any_request.in_own_channel | any_request.of_oneself, min_size=1, max_size=5),
    )
    def want_in_a_channel(self, who: int, which: int, requests: list[Request]) -> None:
        """Somebody who is there, where they are."""
        users = [user for user in self.shop.chat.users.values() if user.sessions]
        if users:
            user = users[who % len(users)]
            channels = list(user.channels) or ["#lobby"]
            channel, nicks = channels[which % len(channels)], sorted(self.shop.chat.users)
            self.waiting += [made(request, user.audience[0], channel, nicks) for request in requests]

    @rule(who=_numbers, which=_numbers, name=st.sampled_from(["#lobby", "ann", "bob"]), again=st.booleans())
    def talk(self, who: int, which: int, name: str, again: bool) -> None:
        """Say something that is stored; then it is to be said once more, or taken back."""
        users = [user for user in self.shop.chat.users.values() if user.sessions]
        if not users:
            return
        user = users[who % len(users)]
        target = sorted([*user.channels, name])[which % (len(user.channels) + 1)]
        session = user.audience[0]
        say = Say(session, "PRIVMSG", target, "hello", client_id="c")
        self.waiting += [Join(session, "#lobby"), say]
        self.commit()
        if again:
            self.waiting.append(say)
        else:
            self.want_to_take_back(0, session, by_author=False)

    # What becomes of it.

    @rule()
    def commit(self) -> None:
        """Nothing fails any more: so everything is settled that was not."""
        self.shop.disk.mend()
        assert self.put(), "all is stored"
        assert not self.shop.database.in_doubt
        assert not self.shop.owed
        self.shop.check()

    @rule(
        requests=st.lists(_requests, min_size=3, max_size=6),
        first=st.none() | st.integers(0, 8),
        count=st.sampled_from([1, 2, 4, BROKEN]),
        done_first=st.booleans(),
    )
    def fail(self, requests: list[Request], first: int | None, count: int, done_first: bool) -> None:
        """From one step on, or from the COMMIT."""
        self.waiting += requests
        if first is None:
            self.shop.disk.fail_commit(count, done_first=done_first)
        else:
            self.shop.disk.fail(first, count, done_first=done_first)
        self.put()

    @rule()
    def restart(self) -> None:
        """When all is well: after a crash what was refused may be there, if there was no time to take it out.

        What is read from the file is what was there, when both have started anew; and so is a chat that was told what
        this one was told from the beginning.
        """
        self.commit()
        shop = self.shop
        shop.database.close()
        again = self._leave.enter_context(Shop(shop.path))
        assert lasting(again.chat) == lasting(shop.chat)
        again.shown, again.told = shop.shown, shop.told
        start = Start(shop.chat.rules, self.moment(1))
        again.do(start)
        found = after_a_start(again.chat)
        stamp, _ = again.told[-1]
        shop.chat.apply(stamp, start)
        assert after_a_start(shop.chat) == found
        anew = Chat()
        for stamp, request in again.told:
            assert isinstance(anew.apply(stamp, request), Applied)
        assert after_a_start(anew) == found
        self.shop = again

    def put(self) -> bool:
        """Whether it was stored."""
        shop = self.shop
        requests, self.waiting = self.waiting, []
        entries = [Entry(Client(), requests[at : at + 2], snapshot) for at in range(0, len(requests), 2)]
        end = Entry(Client(), (), snapshot)
        before, shown = without_devices(shop.chat), len(shop.shown)
        shop.batch(*entries, end)
        refused = [outcome for entry in entries for outcome in entry.outcomes if isinstance(outcome, Refusal)]
        assert [len(entry.outcomes) for entry in entries] == [len(entry.requests) for entry in entries]
        assert end.answer == snapshot(shop.chat)
        assert all(what == "not stored" for what, _ in shop.errors)
        if any(refusal.reason is Reason.NOT_STORED for refusal in refused):
            assert shop.errors
        if shop.errors:
            assert without_devices(shop.chat) == before
            owed = [event for event in shop.shown[shown:] if rows.is_stored(event)]
            assert all(isinstance(event, Arrived | Returned | DevicesSeen | Left) for event in owed)
        if not shop.database.in_doubt:
            shop.check()
        stamps = [event.stamp for event in shop.shown]
        assert stamps == sorted(set(stamps))
        stored = not shop.errors
        shop.errors.clear()
        return stored

    def teardown(self) -> None:
        try:
            self.restart()
        finally:
            self._leave.close()


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
