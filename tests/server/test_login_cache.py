"""Logins that are remembered: what counts as one, for how long, and what ends it; and over the wire."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.chat.model import Account, Role
from securechat.chat.requests import EnableAccount, RemoveAccount, SetPassword
from securechat.server.config import AccountsConfig
from securechat.server.login_cache import LoginCache, Remembered
from securechat.server.reload import Loaded
from securechat.store.passwords import Hasher, Parameters
from tests.server.logins import Hashes, by_password
from tests.server.wire import PASSWORD, House, Opener, commands, running

CHEAP = Hasher(Parameters(memory=8, passes=1))


def account(number: int = 1, changed: int = 5) -> Account:
    return Account(number, f"user{number}", Role.MEMBER, True, number, "", changed)


def known(cache: LoginCache, who: Account | None, password: str, now: float) -> bool:
    """Whether it is remembered; it is not in use by that."""
    login = cache.recall(who, password, now)
    if login is not None:
        cache.release(login, now)
    return login is not None


def test_what_was_right_is_remembered_for_a_while() -> None:
    cache = LoginCache(600)
    assert not known(cache, account(), "secret", 0.0)
    login = cache.remember(account(), "secret")
    assert login is not None
    assert known(cache, account(), "secret", 100_000.0)  # as long as the connection lasts
    cache.release(login, 1000.0)
    assert known(cache, account(), "secret", 1600.0)
    assert known(cache, account(), "secret", 2200.0)  # since that was a login too
    assert not known(cache, account(), "secret", 2801.0)
    assert len(cache) == 0


def test_several_connections() -> None:
    cache = LoginCache(600)
    first, second = cache.remember(account(), "secret"), cache.recall(account(), "secret", 0.0)
    assert first is second
    assert first is not None
    cache.release(first, 10.0)
    assert known(cache, account(), "secret", 10_000.0)
    cache.release(first, 10_000.0)
    assert not known(cache, account(), "secret", 10_601.0)


@pytest.mark.parametrize(
    ("who", "password"),
    [
        (account(), "Secret"),
        (account(), "secret "),
        (account(), ""),
        (account(), "tab\t"),
        (account(2), "secret"),
        (account(changed=6), "secret"),
        (None, "secret"),
    ],
)
def test_nothing_else_is(who: Account | None, password: str) -> None:
    cache = LoginCache(600)
    cache.remember(account(), "secret")
    assert not known(cache, who, password, 0.0)


def test_the_same_password_from_another_keyboard() -> None:
    cache = LoginCache(600)
    cache.remember(account(), "cafe\u0301 cre\u0300me")
    assert known(cache, account(), "caf\u00e9\u00a0cr\u00e8me", 0.0)


def test_an_account_can_be_forgotten() -> None:
    cache = LoginCache(600)
    login = cache.remember(account(), "secret")
    cache.remember(account(changed=7), "new secret")
    other = cache.remember(account(2), "secret")
    assert login is not None
    assert other is not None
    cache.forget(1)
    cache.forget(1)
    assert not known(cache, account(), "secret", 0.0)
    assert not known(cache, account(changed=7), "new secret", 0.0)
    assert known(cache, account(2), "secret", 0.0)
    cache.release(login, 0.0)  # by the connection that still knows of it
    assert len(cache) == 1
    again = cache.remember(account(), "secret")
    cache.release(login, 1.0)  # and another one that does
    assert again is not login
    assert known(cache, account(), "secret", 10_000.0)


def test_the_longest_unused_goes() -> None:
    cache = LoginCache(600, remembered=3)
    logins = [cache.remember(account(number), "secret") for number in range(3)]
    for number in (1, 0):
        login = logins[number]
        assert login is not None
        cache.release(login, float(number))
    cache.remember(account(3), "secret")
    assert [known(cache, account(number), "secret", 2.0) for number in range(4)] == [True, False, True, True]
    cache.remember(account(4), "secret")
    cache.remember(account(5), "secret")  # by now all are in use, and the first of them is the longest
    assert [known(cache, account(number), "secret", 2.0) for number in range(6)] == [False] * 3 + [True] * 3
    assert len(cache) == 3


def test_none_are_remembered() -> None:
    cache = LoginCache(0)
    assert cache.remember(account(), "secret") is None
    cache.change(600)
    login = cache.remember(account(), "secret")
    assert login is not None
    cache.change(0)
    assert len(cache) == 0
    assert not known(cache, account(), "secret", 0.0)
    cache.release(login, 0.0)
    assert len(cache) == 0


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.sampled_from(["remember", "recall", "release", "forget"]), st.integers(0, 4), st.floats(0, 200)),
        max_size=60,
    )
)
def test_it_remembers_what_it_says(steps: list[tuple[str, int, float]]) -> None:
    """Against a plain model: for each account how many use it, and when the last one ended."""
    cache, now = LoginCache(300), 0.0
    latest: dict[int, Remembered] = {}
    users: dict[int, int] = {}
    ended: dict[int, float] = {}
    held: list[tuple[int, Remembered]] = []
    for what, number, pause in steps:
        now += pause
        if what == "forget":
            cache.forget(number)
            users.pop(number, None)
        elif what == "release":
            for one in [one for one in held if one[0] == number][:1]:
                held.remove(one)
                cache.release(one[1], now)
                if number in users and one[1] is latest[number]:
                    users[number] -= 1
                    ended[number] = now
        else:
            alive = number in users and (users[number] > 0 or now - ended[number] <= 300)
            login = cache.recall(account(number), "x", now)
            assert (login is not None) == alive
            if login is None and what == "remember":
                login = cache.remember(account(number), "x")
                users[number] = 0
            if login is not None:
                held.append((number, login))
                users[number] += 1
                latest[number] = login


def test_no_password_is_in_memory() -> None:
    cache = LoginCache(600)
    cache.remember(account(), "xyzzy" * 10)
    seen, todo = set[int](), [object(), cache]
    while todo:
        one = todo.pop()
        if id(one) not in seen and not isinstance(one, type):
            seen.add(id(one))
            todo += gc.get_referents(one) if not isinstance(one, (str, bytes)) else []
            assert not (isinstance(one, str) and "xyzzyxyzzy" in one)
            assert not (isinstance(one, bytes) and b"xyzzyxyzzy" in one)


# -- over the wire ----------------------------------------------------------------------------------------------------


@pytest.fixture
def house(certs: Path, tmp_path: Path) -> Iterator[House]:
    """A server of one's own: what it remembers is looked at."""
    with running(certs, tmp_path) as one:
        yield one


@pytest.fixture
def hashes(house: House, monkeypatch: pytest.MonkeyPatch) -> Hashes:
    """How many passwords are looked at."""
    return Hashes(house, monkeypatch)


def login(opened: Opener, name: str = "alice", password: str = PASSWORD) -> list[str]:
    """The answer to a login over a connection of its own, which ends."""
    with opened.stranger() as client:
        return by_password(client, name, password)


def test_the_second_login_costs_no_hash(opened: Opener, hashes: Hashes) -> None:
    for name in ("alice", "ALICE@phone", "alice"):
        assert login(opened, name) == ["900", "903"]
    assert hashes.number == 1
    assert login(opened, "Bob") == ["900", "903"]
    assert hashes.number == 2


def test_a_wrong_password_always_costs_one(opened: Opener, hashes: Hashes) -> None:
    login(opened)
    for _ in range(2):
        assert login(opened, "alice", "wrong") == ["904"]
        assert login(opened, "nobody") == ["904"]
    assert hashes.number == 5
    assert login(opened) == ["900", "903"]
    assert hashes.number == 5


def test_the_right_password_of_somebody_who_wants_to_be_another(opened: Opener, house: House) -> None:
    login(opened)
    with opened.stranger() as client:
        client.ask("CAP REQ :sasl", "AUTHENTICATE PLAIN")
        assert commands(client.ask("AUTHENTICATE Qm9iAGFsaWNlAGNvcnJlY3QgaG9yc2U="))[-1] == "904"  # as Bob, by alice
    assert len(house.hub.login_cache) == 1


def test_a_new_password(opened: Opener, house: House, hashes: Hashes) -> None:
    login(opened)
    house.do(SetPassword("alice", CHEAP.hash("new password")))
    assert len(house.hub.login_cache) == 0
    assert login(opened) == ["904"]
    assert login(opened, "alice", "new password") == ["900", "903"]
    house.do(SetPassword("alice", CHEAP.hash(PASSWORD)))
    number = hashes.number
    assert login(opened) == ["900", "903"]  # the old one again, but set anew
    assert hashes.number == number + 1


def test_a_disabled_account(opened: Opener, house: House, hashes: Hashes) -> None:
    login(opened)
    house.do(EnableAccount("alice", False))
    assert len(house.hub.login_cache) == 0
    assert login(opened) == ["902", "904"]
    house.do(EnableAccount("alice", True))
    assert login(opened) == ["900", "903"]
    assert hashes.number >= 2


def test_an_account_that_is_gone(opened: Opener, house: House) -> None:
    login(opened)
    house.do(RemoveAccount("alice"))
    assert len(house.hub.login_cache) == 0
    assert login(opened) == ["904"]
    house.add_account("alice", "another password")
    assert login(opened) == ["904"]


def test_the_throttle_comes_first(opened: Opener, house: House, hashes: Hashes) -> None:
    """Or who has stolen a password could try on which of many accounts it fits, for nothing."""
    house.hub.logins.enabled = True
    login(opened)
    for _ in range(3):
        login(opened, "alice", "wrong")
    house.hub.logins._here.get(("alice", "127.0.0.1")).number = 20
    assert login(opened) == ["904"]
    assert hashes.number == 4


def test_a_guess_by_the_cache_is_not_free(opened: Opener, house: House) -> None:
    house.hub.logins.enabled = True
    login(opened)
    for _ in range(3):
        login(opened, "alice", "wrong")
    assert house.hub.logins._here.get(("alice", "127.0.0.1")).number == 3


def test_it_can_be_turned_off(opened: Opener, house: House, hashes: Hashes) -> None:
    login(opened)
    assert isinstance(house.loaded, Loaded)
    config = replace(house.loaded.config, accounts=AccountsConfig(guests=True, remember_logins=0))
    house.loaded = replace(house.loaded, config=config)
    house.hub.reloader.reload("a test")
    assert len(house.hub.login_cache) == 0
    for _ in range(2):
        assert login(opened) == ["900", "903"]
    assert hashes.number == 3


def test_another_login_of_the_same_connection_takes_the_place_of_the_first(opened: Opener, house: House) -> None:
    client = opened(None, account="alice")
    assert by_password(client, "Bob")[-2:] == ["900", "903"]
    unused = house.hub.login_cache._unused
    assert [login.account_id for login in unused.values()] == [house.hub.chat.accounts["alice"].id]
    assert len(house.hub.login_cache) == 2
    threads = house.hub.threads()
    client.send("QUIT")
    client.to_end()
    client._sock.close()
    for thread in threads:
        thread.join(20)
    assert len(unused) == 2
