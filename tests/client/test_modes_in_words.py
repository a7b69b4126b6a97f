"""Changes of modes in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from securechat.client.mode_words import channel_modes, deeds, personal_modes, whom
from securechat.irc.modes import ModeChange
from tests.client.test_safe import TEXTS


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (ModeChange(True, "o", "bob"), "made bob an operator"),
        (ModeChange(False, "o", "bob"), "took operator status from bob"),
        (ModeChange(True, "v", "bob"), "gave bob a voice"),
        (ModeChange(False, "h", "bob"), "took half-operator status from bob"),
        (ModeChange(True, "b", "bob!*@*"), "banned bob"),
        (ModeChange(False, "b", "*!*@h"), "lifted the ban on *!*@h"),
        (ModeChange(True, "b", "~a:bob"), "banned the account bob"),
        (ModeChange(True, "b", "~m:~a:bob"), "muted the account bob"),
        (ModeChange(False, "b", "~m:bob!*@*"), "lifted the mute on bob"),
        (ModeChange(True, "e", "bob!*@*"), "excepted bob from bans"),
        (ModeChange(True, "I", "bob!*@*"), "lets bob in without an invitation"),
        (ModeChange(True, "k", "sesame"), "set the key sesame"),
        (ModeChange(False, "k", "sesame"), "removed the key"),
        (ModeChange(False, "k"), "removed the key"),
        (ModeChange(True, "l", "5"), "set a limit of 5 people"),
        (ModeChange(False, "l"), "removed the limit"),
        (ModeChange(True, "m"), "set +m (only those with a voice speak)"),
        (ModeChange(False, "m"), "set -m (all members speak)"),
        (ModeChange(True, "Z"), "set +Z"),
        (ModeChange(True, "f", "3:5"), "set +f 3:5"),
        (ModeChange(True, "o"), "set +o"),
    ],
)
def test_deeds(change: ModeChange, words: str) -> None:
    assert deeds([change]) == words


def test_several_deeds() -> None:
    assert deeds([ModeChange(True, "o", "bob"), ModeChange(True, "s")]) == "made bob an operator, set +s (secret)"


def test_what_modes_mean() -> None:
    assert channel_modes("+Zns") == "only members speak; secret"
    assert personal_modes("+iZ") == "invisible to those who share no channel"


@pytest.mark.parametrize("mask", ["b*b!*@*", "bob!b@*", "*!*@*", "!*@*", ""])
def test_masks_that_are_not_one_nick(mask: str) -> None:
    assert whom(mask) == mask


@given(st.sampled_from("qaohvbeIklmZ"), TEXTS, st.booleans())
def test_whatever_the_parameter_is_it_is_one_line(letter: str, text: str, adding: bool) -> None:
    words = deeds([ModeChange(adding, letter, text)])
    assert len(words.splitlines()) == 1
    assert "\x1b" not in words
