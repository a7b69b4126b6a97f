"""LIST: which channels its conditions ask for."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.elist import ELIST, MAX_MASKS, MAX_NUMBER, ListFilter, parse_list

NOW = 1_000_000


def listed(condition: str, name: str = "#lobby", users: int = 5, age: int = 3600, topic_age: int | None = 60) -> bool:
    """Whether such a channel is asked for; ages in seconds."""
    topic_at = None if topic_age is None else NOW - topic_age
    return parse_list(condition.split(" ")).matches(name, users, NOW - age, topic_at, NOW)


def test_nothing_asked_is_everything_asked() -> None:
    assert parse_list([]) == parse_list([""]) == parse_list([",,", ""]) == ListFilter()
    assert ListFilter().matches("#a", 0, 0, None, 0)


def test_names() -> None:
    assert parse_list(["#a,#B,#a"]).names == ("#a", "#B")
    assert listed("#x,#LOBBY")
    assert not listed("#lob")
    assert not listed("lobby")  # the name of no channel
    assert listed("#x #lobby")


def test_masks() -> None:
    assert parse_list(["#l*,*y?,#a"]) == ListFilter(("#a",), ("#l*", "*y?"))
    assert listed("#LOB*")
    assert listed("*bb*")
    assert listed("#lobb?")
    assert not listed("lob*")
    assert listed("#x*,#lobby")  # one of them is enough
    assert listed("#lobby,#x*")
    assert listed("#a,#lo*")


def test_masks_that_may_not_match() -> None:
    assert parse_list(["!#l*,!#a,!"]) == ListFilter(not_masks=("#l*", "#a"))
    assert not listed("!#lob*")
    assert not listed("!#lobby")
    assert listed("!#x*")
    assert not listed("*,!#x,!*y")
    assert not listed("#lobby,!#lobby")
    assert listed("!")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (">4", True), (">5", False), ("<6", True), ("<5", False), (">4,<6", True), (">4,<5", False),
        (">1,>5", False), (">5,>1", False), ("<9,<5", False), ("<0", False), (">0", True),
        (">004", True),
    ],
)  # fmt: skip
def test_users(condition: str, expected: bool) -> None:
    assert listed(condition) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [("C<61", True), ("C<60", False), ("C>59", True), ("C>60", False), ("c<61", True), ("c>60", False)],
)
def test_minutes_since_it_was_made(condition: str, expected: bool) -> None:
    assert listed(condition) is expected


@pytest.mark.parametrize(
    ("condition", "expected"), [("T<2", True), ("T<1", False), ("T>0", True), ("T>1", False), ("t<2", True)]
)
def test_minutes_since_the_topic_was_set(condition: str, expected: bool) -> None:
    assert listed(condition) is expected
    assert not listed(condition, topic_age=None)


def test_a_time_that_is_yet_to_come_is_not_long_ago() -> None:
    assert listed("C<1,T<1", age=-5, topic_age=-5)
    assert not listed("C>0", age=-5)


@pytest.mark.parametrize(
    "condition", [">", "<", "C<", "T>", ">x", "C>-1", "<-1", ">1.5", "C>1h", ">5>5", "X>100", "C=9", ">٣", "<３", "R<1"]
)
def test_what_is_no_condition_is_left_out(condition: str) -> None:
    if condition == "C=9":
        assert not listed(condition)  # reads as a name
    else:
        assert parse_list([condition]) == ListFilter()
        assert parse_list([f"{condition},>3"]) == ListFilter(users_above=3)


def test_all_of_them_count() -> None:
    everything = "#lo*,!#x,>4,<6,C>59,C<61,T>0,T<2"
    assert listed(everything)
    assert not listed(everything, name="#x")
    assert not listed(everything, users=4)
    assert not listed(everything, users=6)
    assert not listed(everything, age=59 * 60)
    assert not listed(everything, age=61 * 60)
    assert not listed(everything, topic_age=0)
    assert not listed(everything, topic_age=120)
    assert not listed(everything, topic_age=None)


def test_conditions_may_come_behind_the_names() -> None:
    assert parse_list(["#a", ">3,C<1"]) == ListFilter(names=("#a",), users_above=3, created_below=60)
    assert parse_list(["#a", ">3", "server.example"]) == ListFilter(names=("#a",), users_above=3)


def test_bounds() -> None:
    assert parse_list([f"<{MAX_NUMBER}"]).users_below == MAX_NUMBER
    assert parse_list([f"<{MAX_NUMBER + 1}"]).users_below == MAX_NUMBER
    assert parse_list(["C<" + "9" * 10_000]).created_below == MAX_NUMBER * 60
    assert parse_list(["<" + "0" * 9_000 + "7"]).users_below == 7
    many = parse_list([",".join(f"#{number}*,!#{number}*" for number in range(100))])
    assert len(many.masks) == len(many.not_masks) == MAX_MASKS


def test_the_token_names_what_there_is() -> None:
    for letter, condition in zip(ELIST, ("C>1", "*a", "!*a", "T>1", ">1"), strict=True):
        assert letter in "CMNTU"
        assert parse_list([condition]) != ListFilter()


_words = st.text(st.sampled_from("#!<>CcT019*?a,"), max_size=12)


@given(st.lists(st.one_of(_words, st.text(max_size=5)), max_size=3), st.integers(0, 20), st.integers(-9, 999))
@settings(max_examples=200)
def test_more_conditions_never_let_more_through(params: list[str], users: int, age: int) -> None:
    wanted = parse_list(params)
    narrower = parse_list([*params[:1], ",".join([*params[1:2], ">3", "C<9", "!#a*"])])
    for name in ("#a", "#b01"):
        if narrower.matches(name, users, -age, None, 0):
            assert wanted.matches(name, users, -age, None, 0)
