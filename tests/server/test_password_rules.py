"""What can be a password."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.standard_replies import Code
from securechat.server.common_passwords import COMMON_PASSWORDS
from securechat.server.password_rules import Objection, objection_to
from securechat.store.passwords import prepare

SHORT = "The password is too short: it needs at least 8 characters"
NAME = "The password is the name of the account, or little more"
COMMON = "The password is one of those that are tried first: take one that nobody else thinks of"


def weak(sentence: str) -> Objection:
    return Objection(Code.WEAK_PASSWORD, sentence)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse",
        "never-to-be-seen-again",
        "x1!x1!x1",
        "eight ch",
        "pässwörter mögen Umlaute",
        "пароль дня",
        "👩‍🚀👩‍🚀👩‍🚀",
        "password of mine",
        "1password2",
        "alice likes it",
        "my name is alice",
        " " * 8,
        "x" * 1024,
    ],
)
def test_what_is_taken(password: str) -> None:
    assert objection_to(password, "alice", 8) is None


@pytest.mark.parametrize("password", ["", "short", "1234567", "e\u0301" * 7, "👩‍🚀👩‍🚀"])
def test_what_is_too_short(password: str) -> None:
    """As it is hashed: there what one keyboard sends as two characters is one, as another sends it."""
    assert objection_to(password, "alice", 8) == weak(SHORT)


def test_how_short_it_may_be_is_the_operators_choice() -> None:
    assert objection_to("abc", "alice", 3) is None
    assert objection_to("abc", "alice", 4) == weak(SHORT.replace("8", "4"))
    assert objection_to("", "alice", 1) == weak("The password is too short: it needs at least 1 characters")


@pytest.mark.parametrize("password", ["control \x07 characters", "a tab\there", "two\nlines", "\ud800" * 9, "x" * 1025])
def test_what_can_be_no_password_at_all(password: str) -> None:
    objection = objection_to(password, "alice", 8)
    assert objection is not None
    assert objection.code is Code.UNACCEPTABLE_PASSWORD
    assert objection.sentence.startswith("A password ")
    assert not objection.sentence.endswith(".")


@pytest.mark.parametrize("password", ["Username", "USERNAME", "username1", "username2026!!"])
def test_the_name_of_the_account(password: str) -> None:
    assert objection_to(password, "userName", 8) == weak(NAME)
    assert objection_to(password + " x", "userName", 8) is None


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "PassWord",
        "password1",
        "Password123!",
        "password!!!",
        "12345678",
        "123456789!",
        "qwertyuiop",
        "iloveyou2",
        "letmein!",
        "Summer2031!",
        "dragon99",
        "P@ssw0rd",
        "p@ssw0rd1!",
        "securechat1",
    ],
)
def test_what_is_tried_first(password: str) -> None:
    assert objection_to(password, "alice", 8) == weak(COMMON)


def test_the_list() -> None:
    """Each of its entries is found, with and without what people put behind them; and none stands for another."""
    assert len(COMMON_PASSWORDS) > 500
    for entry in COMMON_PASSWORDS:
        assert entry == entry.casefold() == prepare(entry).decode()
        bare = entry.rstrip("0123456789!")
        for password in (entry, entry.upper() + "!!", *([entry + "1!", entry + "2026"] if bare == entry else [])):
            assert objection_to(password, "", 1) == weak(COMMON)
        assert bare == entry or bare not in COMMON_PASSWORDS, entry


@settings(max_examples=200)
@given(password=st.text(max_size=20) | st.sampled_from(sorted(COMMON_PASSWORDS)), least=st.integers(1, 12))
def test_whatever_is_taken_can_be_hashed_and_no_sentence_has_it(password: str, least: int) -> None:
    objection = objection_to(password, "", least)
    if objection is None:
        assert len(prepare(password).decode()) >= least
    else:
        sentences = ("The password is ", "A password ")
        assert objection.sentence.startswith(sentences)
        assert objection == objection_to(password, "", least)
        assert len(password) < 8 or password not in objection.sentence
