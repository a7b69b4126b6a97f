"""The law of the store: whatever is asked, and whenever the disk fails, the file says what was shown, and no more."""

import contextlib
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from securechat.chat.events import Left
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
    Join,
    Kick,
    Kill,
    Part,
    Rehash,
    RemoveAccount,
    RemoveBan,
    RenameChannel,
    Request,
    Say,
    SetAway,
    SetMetadata,
    SetModes,
    SetOwner,
    SetPassword,
    SetTopic,
    Silence,
    Start,
)
from securechat.chat.views import snapshot
from securechat.irc.modes import ModeChange
from securechat.store import rows
from securechat.store.journal import Entry
from tests.store.disk import BROKEN
from tests.store.shop import Client, Shop, lasting

_names = st.sampled_from(["ann", "bob", "eve"])
_nicks = st.sampled_from(["ann", "BOB", "eve", "guest", "other"])
_channels = st.sampled_from(["#lobby", "#tea", "#fun"])
_sessions = st.integers(1, 5)
_texts = st.sampled_from(["hello", "", "é" * 20])
_rules = st.builds(Rules, guests=st.sampled_from([True, True, False]))
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
    st.builds(Say, _sessions, st.sampled_from(["PRIVMSG", "NOTICE", "TAGMSG"]), _channels | _nicks, _texts),
    st.builds(Arrive, _sessions, _nicks, st.just("~u"), st.just("h"), st.just("r")),
    st.builds(Depart, _sessions, _texts),
    st.builds(Join, _sessions, _channels),
    st.builds(Part, _sessions, _channels),
    st.builds(SetTopic, _sessions, _channels, _texts),
    st.builds(ChangeNick, _sessions, _nicks),
    st.builds(AddAccount, _names, _texts, st.sampled_from(Role)),
    st.builds(SetPassword, _names, _texts, st.none() | _sessions),
    st.builds(EnableAccount, _names, st.booleans()),
    st.builds(RemoveAccount, _names),
    st.builds(Start, _rules),
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

    @rule(session=_sessions, name=_names)
    def want_to_log_in(self, session: int, name: str) -> None:
        if name in self.shop.chat.accounts:
            self.waiting.append(self.shop.login(session, name))

    @rule(session=_sessions, off=_numbers)
    def want_to_collect(self, session: int, off: int) -> None:
        user = self.shop.chat.sessions.get(session)
        if user is not None and user.account_id in self.shop.chat.held:
            self.waiting.append(Collect(session, self.shop.chat.held[user.account_id] - off))

    @rule(name=_names)
    def want_to_rehash(self, name: str) -> None:
        account = self.shop.chat.accounts.get(name)
        if account is not None:
            self.waiting.append(Rehash(account.id, account.credential_set, "renewed"))

    # What becomes of it.

    @rule()
    def commit(self) -> None:
        """Nothing fails any more: so everything is settled that was not."""
        self.shop.disk.mend()
        self.shop.errors.clear()
        self.put()
        assert not self.shop.errors
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
        """When all is well: after a crash what was refused may be there, if there was no time to take it out."""
        self.commit()
        shop = self.shop
        shop.database.close()
        again = self._leave.enter_context(Shop(shop.path))
        assert lasting(again.chat) == lasting(shop.chat)
        again.shown = shop.shown
        again.do(Start(shop.chat.rules))
        self.shop = again

    def put(self) -> None:
        shop = self.shop
        requests, self.waiting = self.waiting, []
        entries = [Entry(Client(), requests[at : at + 2], snapshot) for at in range(0, len(requests), 2)]
        end = Entry(Client(), (), snapshot)
        before, shown = lasting(shop.chat), len(shop.shown)
        shop.batch(*entries, end)
        refused = [outcome for entry in entries for outcome in entry.outcomes if isinstance(outcome, Refusal)]
        assert [len(entry.outcomes) for entry in entries] == [len(entry.requests) for entry in entries]
        assert end.answer == snapshot(shop.chat)
        assert all(what == "not stored" for what, _ in shop.errors)
        if any(refusal.reason is Reason.NOT_STORED for refusal in refused):
            assert shop.errors
        if shop.errors:
            assert lasting(shop.chat) == before
            assert all(isinstance(event, Left) for event in shop.shown[shown:] if rows.is_stored(event))
        if not shop.database.in_doubt:
            shop.check()
        stamps = [event.stamp for event in shop.shown]
        assert stamps == sorted(set(stamps))
        shop.errors.clear()

    def teardown(self) -> None:
        try:
            self.restart()
        finally:
            self._leave.close()


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
