"""Limits on rates: laws of the bucket, and who has to wait for whom."""

import threading
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.server.throttle import ConnectionThrottle, LoginThrottle, Refusal, TokenBucket, network_of

HOME, ABROAD = "192.0.2.1", "198.51.100.7"


def test_a_burst_and_then_the_rate() -> None:
    bucket = TokenBucket(rate=2, burst=3)
    assert [bucket.take(10.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(10.0) == pytest.approx(0.5)
    assert bucket.take(10.25) == pytest.approx(0.25)
    assert bucket.take(10.5) == 0.0
    assert bucket.take(10.5) == pytest.approx(0.5)
    assert [bucket.take(100.0) > 0 for _ in range(4)] == [False, False, False, True]


@settings(max_examples=100)
@given(
    st.floats(0.1, 1000),
    st.integers(1, 300),
    st.lists(st.floats(0, 2), min_size=1, max_size=200),
    st.floats(0, 1e6),
)
def test_no_stretch_of_time_has_more_than_its_share(rate: float, burst: int, pauses: list[float], now: float) -> None:
    bucket = TokenBucket(rate, burst)
    taken = []
    for pause in pauses:
        now += pause
        while not bucket.take(now):
            taken.append(now)
    for first in range(0, len(taken), max(1, len(taken) // 20)):
        for last in range(first, len(taken), max(1, len(taken) // 20)):
            assert last - first + 1 <= burst + rate * (taken[last] - taken[first] + 1e-5)


@settings(max_examples=100)
@given(st.floats(0.01, 100_000), st.integers(1, 1000), st.floats(0, 1e6), st.integers(1, 2000))
def test_who_waits_as_told_gets_it(rate: float, burst: int, now: float, lines: int) -> None:
    bucket = TokenBucket(rate, burst)
    start = now
    for _ in range(lines):
        wait = bucket.take(now)
        if wait:
            now += wait
            assert bucket.take(now) == 0.0
    # And nobody waits longer than the rate asks for.
    assert now - start <= max(0, lines - burst) / rate + 1e-3


def test_a_bucket_that_is_off() -> None:
    bucket = TokenBucket(rate=1, burst=1, enabled=False)
    assert not any(bucket.take(5.0) for _ in range(1000))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("not an address", "not an address"),
        ("192.0.2.256", "192.0.2.256"),
    ],
)
def test_what_counts_as_one_place(address: str, network: str) -> None:
    assert network_of(address) == network


def test_so_many_connections_at_a_time() -> None:
    throttle = ConnectionThrottle(2)
    assert throttle.admit(HOME, 0.0) is None
    assert throttle.admit(HOME, 0.0) is None
    assert throttle.admit(HOME, 0.0) is Refusal.TOO_MANY
    assert throttle.admit(ABROAD, 0.0) is None
    throttle.release(HOME)
    assert throttle.admit(HOME, 30.0) is None
    assert throttle.admit(HOME, 1000.0) is Refusal.TOO_MANY


def test_so_many_new_ones_in_a_minute() -> None:
    throttle = ConnectionThrottle(2)
    for _ in range(2):
        assert throttle.admit(HOME, 0.0) is None
        throttle.release(HOME)
    assert throttle.admit(HOME, 29.0) is Refusal.TOO_FAST
    assert throttle.admit(ABROAD, 29.0) is None
    assert throttle.admit(HOME, 30.0) is None
    throttle.release(HOME)
    assert throttle.admit(HOME, 30.0) is Refusal.TOO_FAST


def test_a_network_of_ipv6_is_one_place() -> None:
    throttle = ConnectionThrottle(1)
    assert throttle.admit("2001:db8::1", 0.0) is None
    assert throttle.admit("2001:db8::2", 0.0) is Refusal.TOO_MANY
    assert throttle.admit("2001:db8:0:1::1", 0.0) is None
    throttle.release("2001:db8::3")
    assert throttle.admit("2001:db8::2", 60.0) is None


def test_connections_that_are_not_counted() -> None:
    throttle = ConnectionThrottle(1, enabled=False)
    assert [throttle.admit(HOME, 0.0) for _ in range(100)] == [None] * 100
    throttle.release(HOME)


def test_other_limits_hold_for_those_who_are_there() -> None:
    throttle = ConnectionThrottle(1, enabled=False)
    assert [throttle.admit(HOME, 0.0) for _ in range(3)] == [None] * 3
    throttle.change(3, enabled=True)
    assert throttle.admit(HOME, 0.0) is Refusal.TOO_MANY
    throttle.release(HOME)
    assert throttle.admit(HOME, 0.0) is None
    throttle.change(1, enabled=True)
    for _ in range(3):
        assert throttle.admit(HOME, 0.0) is Refusal.TOO_MANY
        throttle.release(HOME)
    assert throttle.admit(HOME, 0.0) is None
    assert throttle.admit(ABROAD, 0.0) is None


def test_of_places_the_longest_unused_is_forgotten_but_who_is_there_is_not() -> None:
    throttle = ConnectionThrottle(1, remembered=2)
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        assert throttle.admit(address, 0.0) is None
    assert throttle.admit("192.0.2.1", 0.0) is Refusal.TOO_MANY
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
        throttle.release(address)
    assert throttle.admit("192.0.2.3", 0.0) is Refusal.TOO_FAST
    assert throttle.admit("192.0.2.1", 0.0) is None  # forgotten


def test_connections_are_counted_right_from_many_threads() -> None:
    throttle = ConnectionThrottle(10)
    admitted = []
    start = threading.Barrier(8)

    def connect() -> None:
        start.wait(30)
        admitted.extend([throttle.admit(HOME, 0.0) for _ in range(50)])

    threads = [threading.Thread(target=connect) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert admitted.count(None) == 10


def attempt(throttle: LoginThrottle, account: str, address: str, now: float, *, right: bool = False) -> float:
    """One attempt to its end: how long it has to wait, 0.0 if the password was looked at."""
    with throttle.attempt(account, address, now) as attempt:
        if right:
            attempt.succeeded()
    return attempt.wait


def delays(throttle: LoginThrottle, account: str, address: str, attempts: int, now: float = 0.0) -> list[float]:
    """How long each of so many wrong passwords in a row has to wait, if each comes as early as it may."""
    waits = []
    for _ in range(attempts):
        wait = attempt(throttle, account, address, now)
        if wait:
            now += wait
            assert attempt(throttle, account, address, now) == 0.0
        waits.append(round(wait, 3))
    return waits


def strangers(throttle: LoginThrottle, attempts: int, now: float) -> int:
    """Wrong passwords for alice, each from another address, 0.1 seconds apart: how many are looked at."""
    looked_at = 0
    for number in range(attempts):
        looked_at += not attempt(throttle, "alice", f"10.0.{number // 250}.{number % 250}", now + number / 10)
    return looked_at


def test_wrong_passwords_cost_more_and_more() -> None:
    assert delays(LoginThrottle(), "alice", HOME, 12) == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_the_delay_is_for_one_account_at_one_place() -> None:
    throttle = LoginThrottle()
    delays(throttle, "alice", ABROAD, 10)
    assert attempt(throttle, "ALICE", ABROAD, 0.0) > 1
    assert attempt(throttle, "bob", ABROAD, 0.0) == 0.0
    assert attempt(throttle, "alice", HOME, 0.0) == 0.0


def test_an_attempt_that_has_to_wait_does_not_count() -> None:
    throttle = LoginThrottle()
    delays(throttle, "alice", HOME, 3)
    assert [attempt(throttle, "alice", HOME, 0.5) for _ in range(100)] == [0.5] * 100
    assert attempt(throttle, "alice", HOME, 0.5, right=True) == 0.5  # nor is its password looked at
    assert attempt(throttle, "alice", HOME, 1.0) == 0.0


def test_attempts_at_the_same_time_are_not_all_the_next_one() -> None:
    throttle = LoginThrottle()
    delays(throttle, "alice", HOME, 3)
    with throttle.attempt("alice", HOME, 1.0) as first:
        assert first.wait == 0.0
        assert attempt(throttle, "alice", HOME, 1.0, right=True) > 0
    assert attempt(throttle, "alice", HOME, 2.9) == pytest.approx(0.1)


def test_devices_that_come_back_together() -> None:
    throttle = LoginThrottle()
    with ExitStack() as together:
        attempts = [together.enter_context(throttle.attempt("alice", HOME, 0.0)) for _ in range(20)]
        assert [device.wait for device in attempts] == [0.0] * 16 + [0.5] * 4
        for device in attempts:
            device.succeeded()
    assert delays(throttle, "alice", HOME, 4) == [0, 0, 0, 1]


def test_an_attempt_that_breaks_off_has_failed() -> None:
    throttle = LoginThrottle()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), throttle.attempt("alice", HOME, 0.0):
            _ = 1 // 0
    assert attempt(throttle, "alice", HOME, 0.0) == 1.0


def test_a_success_ends_the_count_here() -> None:
    throttle = LoginThrottle()
    delays(throttle, "alice", HOME, 3)
    assert attempt(throttle, "alice", HOME, 1.0, right=True) == 0.0
    assert delays(throttle, "alice", HOME, 4, now=1.0) == [0, 0, 0, 1]


def test_who_always_knows_the_password_never_waits() -> None:
    throttle = LoginThrottle()
    assert [attempt(throttle, "alice", HOME, 0.0, right=True) for _ in range(1000)] == [0.0] * 1000
    assert [attempt(throttle, f"user{n}", HOME, 0.0, right=True) for n in range(1000)] == [0.0] * 1000


def test_slips_are_forgiven_with_the_success_that_follows() -> None:
    """Of many in an office who each mistype once, or whose client tries another way first, none slows the others."""
    throttle = LoginThrottle()
    for number in range(100):
        assert attempt(throttle, f"user{number}", HOME, 0.0) == 0.0
        assert attempt(throttle, f"user{number}", HOME, 0.0, right=True) == 0.0
    assert strangers(throttle, 19, 0.0) == 19
    assert attempt(throttle, "alice", HOME, 2.0) == 0.0  # the twentieth
    assert attempt(throttle, "alice", HOME, 7.0, right=True) == 0.0
    assert strangers(throttle, 1, 8.0) == 1  # the twentieth again: what the others did was not taken back
    assert attempt(throttle, "alice", ABROAD, 8.0) == 1.0


def test_that_forgives_no_guesses_at_others() -> None:
    throttle = LoginThrottle()
    for number in range(20):
        attempt(throttle, f"user{number}", ABROAD, 0.0)
    assert attempt(throttle, "mallory", ABROAD, 1.0, right=True) == 0.0
    assert attempt(throttle, "alice", ABROAD, 1.0) == 0.0 or True
    assert attempt(throttle, "bob", ABROAD, 1.0) > 0


def test_an_attempt_that_is_left_open_changes_nothing() -> None:
    throttle = LoginThrottle()
    delays(throttle, "alice", HOME, 3)
    for _ in range(3):
        with throttle.attempt("alice", HOME, 5.0) as one:
            assert one.wait == 0.0
            one.left_open()
    assert attempt(throttle, "alice", HOME, 5.0) == 0.0
    assert attempt(throttle, "alice", HOME, 5.0) == 2.0


def test_a_certificate_of_nobody_counts_for_its_address() -> None:
    throttle = LoginThrottle()
    for _ in range(20):
        throttle.certified(None, ABROAD, 0.0)
    assert attempt(throttle, "alice", ABROAD, 0.0) == 1.0
    assert attempt(throttle, "alice", HOME, 0.0) == 0.0


def test_who_has_come_with_a_certificate_is_at_home_there() -> None:
    throttle = LoginThrottle()
    throttle.certified("Alice", HOME, 0.0)
    for number in range(30):
        attempt(throttle, f"user{number}", HOME, 0.0)
    assert attempt(throttle, "bob", HOME, 0.0) > 0
    assert attempt(throttle, "alice", HOME, 0.0) == 0.0


def test_what_is_no_account_counts_only_where_it_comes_from() -> None:
    """Who guesses at codes of invitations from a thousand addresses keeps nobody else from coming in by one."""
    throttle = LoginThrottle()
    for number in range(50):
        assert attempt(throttle, "invite:", f"10.0.0.{number}", 0.0) == 0.0
    assert attempt(throttle, "invite:", HOME, 0.0) == 0.0
    assert delays(throttle, "invite:", ABROAD, 5) == [0, 0, 0, 1, 2]


def test_certificates_are_not_counted_where_nothing_is() -> None:
    throttle = LoginThrottle(enabled=False)
    for _ in range(50):
        throttle.certified(None, HOME, 0.0)
    throttle.enabled = True
    assert attempt(throttle, "alice", HOME, 0.0) == 0.0


def test_one_guess_at_each_of_many_names_is_not_free() -> None:
    throttle = LoginThrottle()
    waits = [attempt(throttle, f"user{number}", ABROAD, 0.0) for number in range(25)]
    assert waits == [0.0] * 20 + [1.0] * 5
    assert attempt(throttle, "alice", HOME, 0.0) == 0.0


def test_nor_with_a_login_of_ones_own_between_the_guesses() -> None:
    throttle = LoginThrottle()
    now = 0.0
    for number in range(40):
        now += attempt(throttle, f"user{number}", ABROAD, now)
        attempt(throttle, "mallory", ABROAD, now, right=True)
    assert now > 60


def test_a_thousand_addresses_are_not_a_thousand_times_as_fast() -> None:
    assert 20 < strangers(LoginThrottle(), 1000, 0.0) <= 20 + 100 / 5 + 5


def test_yet_they_do_not_lock_the_owner_out_of_home() -> None:
    throttle = LoginThrottle()
    attempt(throttle, "alice", HOME, 0.0, right=True)
    strangers(throttle, 1000, 1.0)
    assert attempt(throttle, "alice", ABROAD, 101.0) > 0
    assert attempt(throttle, "alice", HOME, 101.0, right=True) == 0.0


def test_nor_does_a_colleague_lock_them_out_of_the_office() -> None:
    throttle = LoginThrottle()
    attempt(throttle, "alice", HOME, 0.0, right=True)
    for number in range(100):
        attempt(throttle, f"user{number}", HOME, 1.0)
    assert attempt(throttle, "bob", HOME, 1.0) > 0
    assert attempt(throttle, "alice", HOME, 1.0, right=True) == 0.0


def test_but_at_home_wrong_passwords_cost_as_much_as_elsewhere() -> None:
    throttle = LoginThrottle()
    attempt(throttle, "alice", HOME, 0.0, right=True)
    assert delays(throttle, "alice", HOME, 6) == [0, 0, 0, 1, 2, 4]


def test_an_hour_later_it_is_forgotten() -> None:
    throttle = LoginThrottle()
    delays(throttle, "alice", HOME, 20)
    assert delays(throttle, "alice", HOME, 4, now=10_000.0) == [0, 0, 0, 1]


def test_attempts_without_end_stay_finite() -> None:
    assert delays(LoginThrottle(), "alice", HOME, 3000)[-1] == 60


def test_names_are_cut_and_folded() -> None:
    throttle = LoginThrottle()
    delays(throttle, "x" * 10_000, HOME, 3)
    assert attempt(throttle, "X" * 20_000, HOME, 0.0) == 1.0


def test_the_longest_unused_is_forgotten() -> None:
    throttle = LoginThrottle(remembered=10)
    delays(throttle, "alice", HOME, 3)
    for number in range(9):
        attempt(throttle, f"user{number}", f"10.0.0.{number}", 0.0)
    assert attempt(throttle, "alice", HOME, 0.0) == 1.0
    with throttle.attempt("alice", ABROAD, 0.0):  # which ends after it was forgotten
        for number in range(10):
            attempt(throttle, f"user{number}", f"10.0.0.{number}", 0.0)
    assert attempt(throttle, "alice", HOME, 0.0) == 0.0


def test_names_that_only_have_to_wait_are_not_remembered() -> None:
    """Or whoever has failed often enough would try ten thousand of them, and be forgotten."""
    throttle = LoginThrottle(remembered=30)
    for number in range(21):
        attempt(throttle, f"user{number}", ABROAD, 0.0)
    delays(throttle, "alice", HOME, 3)
    for number in range(100):
        assert attempt(throttle, f"other{number}", ABROAD, 0.0) > 0
    assert attempt(throttle, "alice", HOME, 0.0) == 1.0


def test_logins_that_are_not_counted() -> None:
    throttle = LoginThrottle(enabled=False)
    assert [attempt(throttle, "alice", HOME, 0.0) for _ in range(100)] == [0.0] * 100
    assert attempt(throttle, "alice", HOME, 0.0, right=True) == 0.0


def test_logins_are_counted_right_from_many_threads() -> None:
    throttle = LoginThrottle()
    start = threading.Barrier(8)

    def guess() -> None:
        start.wait(30)
        for _ in range(50):
            attempt(throttle, "alice", HOME, 0.0)

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert attempt(throttle, "alice", HOME, 60.0) == 0.0  # nothing is left under way
    assert attempt(throttle, "alice", HOME, 60.0) > 0
