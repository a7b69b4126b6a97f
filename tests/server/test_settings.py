"""SETTINGS: what the owner of an account has chosen."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from securechat.server.config import HistoryConfig
from tests.server.wire import House, Opener, running

LEAVE = "NOTE SETTINGS SETTING always-on off :You leave your channels while no device is connected"
STAY = "NOTE SETTINGS SETTING always-on on :You stay in your channels while no device is connected"
USUAL = "NOTE SETTINGS SETTING replay default :You are shown up to 100 messages of a channel that you have missed"
NONE = "NOTE SETTINGS SETTING replay 0 :You are not shown what you have missed"
REPLAY_VALUES = "It is a number from 0 to 1000, or default"
NAMES = "The settings are always-on and replay"


def few(number: int) -> str:
    return USUAL.replace("100", str(number)).replace("default", str(number))


@pytest.fixture(autouse=True)
def as_it_was(house: House, opened: Opener) -> Iterator[None]:
    """Every test leaves alice's settings as it found them."""
    yield
    opened(account="alice").ask("SETTINGS always-on off", "SETTINGS replay default")


def test_they_are_shown(opened: Opener) -> None:
    alice = opened(account="alice")
    assert alice.asked("SETTINGS") == [LEAVE, USUAL]
    assert alice.asked("SETTINGS replay") == [USUAL]
    assert alice.asked("SETTINGS Always-On") == [LEAVE]


def test_they_are_changed(opened: Opener) -> None:
    alice = opened(account="alice")
    assert alice.asked("SETTINGS replay 20") == [few(20)]
    assert alice.asked("SETTINGS REPLAY 0020", "SETTINGS replay") == [few(20), few(20)]
    assert alice.asked("SETTINGS replay 1000") == [few(1000)]
    assert alice.asked("SETTINGS replay 0") == [NONE]
    assert alice.asked("SETTINGS always-on ON") == [STAY]
    assert alice.asked("SETTINGS") == [STAY, NONE]
    assert alice.asked("SETTINGS always-on off", "SETTINGS replay Default") == [LEAVE, USUAL]


def test_they_are_the_accounts_own(opened: Opener) -> None:
    """Another device has them too; it asks, and is not told by itself. Others have theirs."""
    phone, desk, other = opened(account="alice"), opened(account="alice"), opened(account="Bob")
    phone.ask("SETTINGS replay 7")
    assert desk.sync() == []
    assert desk.asked("SETTINGS replay") == [few(7)]
    assert other.asked("SETTINGS replay") == [USUAL]


def test_an_answer_comes_in_its_turn_and_with_its_label(opened: Opener) -> None:
    alice = opened(None, "labeled-response", "batch", account="alice")
    answers = alice.ask("@label=a SETTINGS replay 5", "@label=b SETTINGS replay", "@label=c SETTINGS")
    assert [(m.command, m.tags.get("label")) for m in answers[:2]] == [("NOTE", "a"), ("NOTE", "b")]
    assert answers[0].params == answers[1].params
    assert answers[2].params[1:] == ["labeled-response"]
    assert len(answers) == 6


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("SETTINGS nothing", f"INVALID_PARAMS nothing :{NAMES}"),
        ("SETTINGS nothing 1", f"INVALID_PARAMS nothing :{NAMES}"),
        ("SETTINGS :two words", f"INVALID_PARAMS * :{NAMES}"),
        ("SETTINGS replay 5 5", "INVALID_PARAMS :A setting has a name and one value"),
        ("SETTINGS replay 1001", f"INVALID_PARAMS replay 1001 :{REPLAY_VALUES}"),
        ("SETTINGS replay 9999999999", f"INVALID_PARAMS replay 9999999999 :{REPLAY_VALUES}"),
        ("SETTINGS replay -1", f"INVALID_PARAMS replay -1 :{REPLAY_VALUES}"),
        ("SETTINGS replay ٣", f"INVALID_PARAMS replay ٣ :{REPLAY_VALUES}"),
        ("SETTINGS replay :", f"INVALID_PARAMS replay * :{REPLAY_VALUES}"),
        ("SETTINGS replay on", f"INVALID_PARAMS replay on :{REPLAY_VALUES}"),
        ("SETTINGS always-on 1", "INVALID_PARAMS always-on 1 :It is on or off"),
        ("SETTINGS always-on default", "INVALID_PARAMS always-on default :It is on or off"),
    ],
)
def test_what_is_no_setting(opened: Opener, line: str, answer: str) -> None:
    alice = opened(account="alice")
    assert alice.asked(line) == [f"FAIL SETTINGS {answer}"]
    assert alice.asked("SETTINGS") == [LEAVE, USUAL]


@pytest.mark.parametrize("line", ["SETTINGS", "SETTINGS replay", "SETTINGS replay 5", "SETTINGS always-on on"])
def test_a_guest_has_none(opened: Opener, line: str) -> None:
    assert opened().asked(line) == ["FAIL SETTINGS ACCOUNT_REQUIRED :Settings are those of an account: log in first"]


def test_the_operator_says_what_is_usual_and_how_many_at_most(house: House, opened: Opener) -> None:
    alice = opened(account="alice")
    before = house.loaded
    assert not isinstance(before, Exception)
    history = HistoryConfig(replay=3, replay_most=10)
    house.loaded = replace(before, config=replace(before.config, history=history))
    try:
        house.hub.reloader.reload("a test")
        alice.sync()
        assert alice.asked("SETTINGS replay") == [USUAL.replace("100", "3")]
        assert alice.asked("SETTINGS replay 11") == [
            "FAIL SETTINGS INVALID_PARAMS replay 11 :It is a number from 0 to 10, or default"
        ]
        assert alice.asked("SETTINGS replay 10") == [few(10)]
    finally:
        house.loaded = before
        house.hub.reloader.reload("a test")


def test_they_last(certs: Path, tmp_path: Path) -> None:
    with running(certs, tmp_path) as house:
        Opener(house)(account="alice").ask("SETTINGS replay 5", "SETTINGS always-on on")
    with running(certs, tmp_path, again=True) as house:
        assert Opener(house)(account="alice").asked("SETTINGS") == [STAY, few(5)]
