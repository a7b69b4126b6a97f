"""Hashes of passwords: what fits what, what a broken store does, and what is never shown."""

import re
import traceback
import unicodedata
from collections.abc import Callable
from functools import partial

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.store.passwords import (
    BrokenHashError,
    Hasher,
    HasherClosed,
    Parameters,
    PasswordRefusedError,
    prepare,
)
from tests.store.crowd import Crowd

CHEAP = Parameters(memory=8, passes=1)
# The test vector of RFC 9106 has a secret and four lanes, so this one is from src/test.c of the reference
# implementation (P-H-C/phc-winner-argon2): the password "password" with the salt "somesalt".
KNOWN = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

SALT = "c29tZXNhbHRzb21lc2FsdA"
KEY = "A" * 42 + "E"


@pytest.fixture(scope="module")
def hasher() -> Hasher:
    return Hasher(CHEAP)


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=30), st.text(max_size=30))
def test_only_the_same_password_fits(one: str, other: str) -> None:
    hasher = Hasher(CHEAP)
    try:
        phc = hasher.hash(one)
    except PasswordRefusedError:
        assert not hasher.verify(one, KNOWN)
        return
    assert hasher.verify(one, phc)
    try:
        same = prepare(one) == prepare(other)
    except PasswordRefusedError:
        same = False
    assert hasher.verify(other, phc) is same


def test_a_hash_is_a_phc_string_with_a_salt_of_its_own(hasher: Hasher) -> None:
    one, other = hasher.hash("secret"), hasher.hash("secret")
    assert one != other
    assert re.fullmatch(r"\$argon2id\$v=19\$m=8,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", one)


def test_the_default_parameters_stand_in_the_hash() -> None:
    assert Hasher().hash("secret").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_name_that_does_not_exist_has_no_password(hasher: Hasher) -> None:
    assert not hasher.verify("secret", None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("caf\u00e9", "cafe\u0301"),
        ("two words", "two\u00a0words"),
        ("two words", "two\u3000words"),
    ],
)
def test_keyboards_that_send_the_same_in_different_ways(hasher: Hasher, one: str, other: str) -> None:
    assert hasher.verify(other, hasher.hash(one))


@pytest.mark.parametrize(("one", "other"), [("secret", "Secret"), ("secret", "ｓｅｃｒｅｔ"), ("secret", "secret ")])
def test_case_width_and_ends_count(hasher: Hasher, one: str, other: str) -> None:
    assert not hasher.verify(other, hasher.hash(one))


@given(st.text(max_size=50))
@settings(max_examples=100)
def test_preparing_twice_changes_nothing(text: str) -> None:
    try:
        prepared = prepare(text)
    except PasswordRefusedError:
        return
    assert prepare(prepared.decode()) == prepared
    assert unicodedata.is_normalized("NFC", prepared.decode())


@pytest.mark.parametrize("password", ["x", "x" * 1024, "é" * 512, "👩‍🚀 rocket", " "])
def test_what_can_be_a_password(hasher: Hasher, password: str) -> None:
    assert hasher.verify(password, hasher.hash(password))


@pytest.mark.parametrize(
    "password",
    ["", "x" * 1025, "é" * 513, "\u0958" * 200, "tab\there", "nul\0", "line\n", "\ud800", "\u0378", "\ufffe"],
    ids=ascii,
)
def test_what_can_not(hasher: Hasher, password: str) -> None:
    with pytest.raises(PasswordRefusedError) as caught:
        hasher.hash(password)
    assert isinstance(caught.value, ValueError)
    assert not hasher.verify(password, hasher.hash("secret"))
    assert not hasher.verify(password, None)


def test_parameters_can_be_raised(hasher: Hasher) -> None:
    phc = hasher.hash("secret")
    dearer = Hasher(Parameters(memory=16, passes=1))
    assert dearer.verify("secret", phc)
    assert dearer.needs_rehash(phc)
    assert not dearer.needs_rehash(dearer.hash("secret"))
    assert not hasher.needs_rehash(phc)
    assert hasher.needs_rehash(hasher.hash("secret").replace("t=1", "t=2"))


def test_a_hash_that_another_program_made(hasher: Hasher) -> None:
    assert hasher.verify("password", KNOWN)
    assert not hasher.verify("passwore", KNOWN)
    assert hasher.needs_rehash(KNOWN)


BROKEN = [
    "",
    "secret",
    "$argon2id$",
    f"$argon2i$v=19$m=8,t=1,p=1${SALT}${KEY}",
    f"$argon2id$v=16$m=8,t=1,p=1${SALT}${KEY}",
    f"$argon2id$m=8,t=1,p=1${SALT}${KEY}",
    f"$argon2id$v=19$m=7,t=1,p=1${SALT}${KEY}",
    f"$argon2id$v=19$m=4294967295,t=1,p=1${SALT}${KEY}",
    f"$argon2id$v=19$m=08,t=1,p=1${SALT}${KEY}",
    f"$argon2id$v=19$m=٨,t=1,p=1${SALT}${KEY}",
    f"$argon2id$v=19$m=8,t=0,p=1${SALT}${KEY}",
    f"$argon2id$v=19$m=8,t=101,p=1${SALT}${KEY}",
    f"$argon2id$v=19$m=16,t=1,p=2${SALT}${KEY}",
    f"$argon2id$v=19$t=1,m=8,p=1${SALT}${KEY}",
    f"$argon2id$v=19$m=8,t=1,p=1$c2FsdA${KEY}",
    f"$argon2id$v=19$m=8,t=1,p=1${SALT}$",
    f"$argon2id$v=19$m=8,t=1,p=1${SALT}${KEY}=",
    f"$argon2id$v=19$m=8,t=1,p=1${SALT}${KEY}\n",
    f"$argon2id$v=19$m=8,t=1,p=1${SALT}${KEY[:-1]}F",
    f"$argon2id$v=19$m=8,t=1,p=1${SALT}AAA${KEY}",
    f"$argon2id$v=19$m=8,t=1,p=1${SALT}${KEY}$more",
]


@pytest.mark.parametrize("phc", BROKEN)
def test_a_broken_hash_is_told_from_a_wrong_password(hasher: Hasher, phc: str) -> None:
    with pytest.raises(BrokenHashError):
        hasher.verify("secret", phc)
    with pytest.raises(BrokenHashError):
        hasher.needs_rehash(phc)


def test_those_are_broken_by_one_thing_each(hasher: Hasher) -> None:
    assert not hasher.verify("secret", f"$argon2id$v=19$m=8,t=1,p=1${SALT}${KEY}")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_happened_to_a_hash(data: st.DataObject) -> None:
    hasher = Hasher(CHEAP)
    characters = list(hasher.hash("secret"))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(characters)))
        characters[at : at + data.draw(st.integers(0, 3))] = data.draw(st.sampled_from("$=,019aA+/ \n\0é"))
    phc = "".join(characters)
    try:
        fits = hasher.verify("not the secret", phc)
    except BrokenHashError:
        return
    assert not fits


@settings(max_examples=60, deadline=None)
@given(st.integers(8, 64), st.integers(16, 64), st.integers(1, 3))
def test_all_that_is_not_broken_can_be_looked_at(salt: int, key: int, passes: int) -> None:
    """Or else the library would call broken what we think whole, and the owner could never log in."""
    made = Argon2id(salt=b"s" * salt, length=key, iterations=passes, lanes=1, memory_cost=8)
    phc = made.derive_phc_encoded(b"secret")
    assert Hasher(CHEAP).verify("secret", phc)
    assert Hasher(CHEAP).needs_rehash(phc) is ((salt, key, passes) != (16, 32, 1))


@pytest.mark.parametrize("wrong", [{"memory": 7}, {"memory": 2**20 + 1}, {"passes": 0}, {"passes": 101}])
def test_parameters_out_of_range(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="Argon2id"):
        Parameters(**wrong)


def shown(call: Callable[[], object]) -> str:
    """All that Python says of the exception which a call raises, with what stands behind it."""
    try:
        call()
    except Exception as error:
        everything = [*traceback.format_exception(error)]
        chained: BaseException | None = error
        while chained is not None:
            everything += [repr(chained), repr(vars(chained)), repr(chained.args)]
            chained = chained.__cause__ or chained.__context__
        return "".join(everything)
    raise AssertionError("nothing was raised")


def test_nothing_secret_is_shown(hasher: Hasher) -> None:
    password = "hunter2-hunter2"
    for refused in (password + "\n", password + "\ud800", password * 100):
        assert password[:7] not in shown(partial(hasher.hash, refused))
    for broken in (hasher.hash(password)[:-1] + "=", f"$argon2id$v=19$m=8,t=1,p=1${SALT}${KEY[:-1]}F", password):
        text = shown(partial(hasher.verify, "x", broken))
        assert broken[-20:] not in text
        assert password[:7] not in text
    assert "argon2id" not in repr(hasher)


def test_a_closed_hasher_hashes_nothing(hasher: Hasher) -> None:
    closed = Hasher(CHEAP)
    phc = closed.hash("secret")
    closed.close()
    closed.close()
    for call in (lambda: closed.hash("secret"), lambda: closed.verify("secret", phc), lambda: closed.verify("x", None)):
        with pytest.raises(HasherClosed):
            call()
    assert hasher.verify("secret", phc)


def test_many_threads_share_a_hasher() -> None:
    hasher = Hasher(CHEAP, at_once=2)
    phc = hasher.hash("secret")
    assert Crowd(16, lambda: hasher.verify("secret", phc)).join() == [True] * 16


def test_more_in_one_turn(hasher: Hasher) -> None:
    """A hash that is made while the turn is taken needs none of its own: with one at a time it would wait for ever."""
    alone = Hasher(CHEAP, at_once=1)
    with alone.turn():
        phc = alone.hash_in_turn("secret")
        assert alone.verify_in_turn("secret", phc)
        assert not alone.verify_in_turn("secret", None)
        assert not alone.verify_in_turn("tab\t", phc)
    assert hasher.verify("secret", phc)


def test_what_can_be_no_password_needs_no_turn() -> None:
    alone = Hasher(CHEAP, at_once=1)
    with alone.turn(), pytest.raises(PasswordRefusedError):
        alone.hash("")


def test_a_gate_that_lets_nobody_through_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Hasher(CHEAP, at_once=0)
