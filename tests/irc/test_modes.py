"""MODE: what its parameters ask for, and the lines that tell of changes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from securechat.irc.modes import MAX_PARAMETERS, ModeChange, ModeKind, ParsedModes, mode_lines, parse_modes
from securechat.irc.words import UnsendableError

KINDS = {
    "b": ModeKind.LIST,
    "e": ModeKind.LIST,
    "k": ModeKind.KEYED,
    "l": ModeKind.LIMITED,
    "m": ModeKind.FLAG,
    "n": ModeKind.FLAG,
    "o": ModeKind.MEMBER,
    "v": ModeKind.MEMBER,
}


def parse(line: str, most: int = 20) -> ParsedModes:
    """What these parameters ask for."""
    return parse_modes(KINDS, line.split(" "), most)


def changes(parsed: ParsedModes) -> str:
    """The changes in short: `+o=alice -m`."""
    return " ".join(
        f"{'-+'[change.adding]}{change.letter}" + ("" if change.parameter is None else f"={change.parameter}")
        for change in parsed.changes
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("+m", "+m"),
        ("mn", "+m +n"),
        ("+m-n+n", "+m -n +n"),
        ("+-+m", "+m"),
        ("+o-v alice bob", "+o=alice -v=bob"),
        ("+ov-b alice alice *!*@host", "+o=alice +v=alice -b=*!*@host"),
        ("+kl secret 5", "+k=secret +l=5"),
        ("-l+o alice", "-l +o=alice"),
        ("-k", "-k"),
        ("-k secret", "-k=secret"),
        ("-ko * alice", "-k=* -o=alice"),
        ("+o -bob", "+o=-bob"),  # who asks for this means a nick, for the letter needs one
        ("+o alice -o bob", "+o=alice -o=bob"),
        ("+b a!*@* -o+v bob carol +m -n", "+b=a!*@* -o=bob +v=carol +m -n"),
        ("+m -n", "+m -n"),
        ("+", ""),
        ("", ""),
    ],
)
def test_changes(line: str, expected: str) -> None:
    parsed = parse(line)
    assert changes(parsed) == expected
    assert parsed == ParsedModes(parsed.changes, (), (), (), 0)


def test_lists_are_asked_for_once() -> None:
    assert parse("b") == ParsedModes((), ("b",), (), (), 0)
    assert parse("-b") == ParsedModes((), ("b",), (), (), 0)
    assert parse("+ebbe").asked == ("e", "b")
    assert parse_modes(KINDS, ["+b", ""], 20) == ParsedModes((), ("b",), (), (), 0)
    assert parse_modes(KINDS, ["+bb", "", "a!*@*"], 20).changes == (ModeChange(True, "b", "a!*@*"),)


def test_a_parameter_that_is_missing() -> None:
    assert parse("+o") == ParsedModes((), (), (), ("o",), 0)
    assert parse("+klk-ov") == ParsedModes((), (), (), ("k", "l", "o", "v"), 0)
    assert changes(parse("+ovm alice")) == "+o=alice +m"
    assert parse("+ovm alice").incomplete == ("v",)


def test_an_empty_parameter_is_there_where_no_list_is_asked_for() -> None:
    assert parse_modes(KINDS, ["+k", ""], 20).changes == (ModeChange(True, "k", ""),)
    assert parse_modes(KINDS, ["+o", ""], 20).changes == (ModeChange(True, "o", ""),)


def test_unknown_letters_are_told_once_and_take_nothing() -> None:
    parsed = parse("+xoyx-é alice")
    assert parsed == ParsedModes((ModeChange(True, "o", "alice"),), (), ("x", "y", "é"), (), 0)
    assert parse("+x alice").surplus == 1


def test_what_nobody_takes() -> None:
    assert parse("+m alice bob") == ParsedModes((ModeChange(True, "m"),), (), (), (), 2)
    assert parse("+o alice bob -o carol").surplus == 3  # a word without a sign ends it
    assert parse_modes(KINDS, [], 20) == ParsedModes((), (), (), (), 0)


def test_only_so_many_with_a_parameter() -> None:
    parsed = parse("+oomoon-l a b c d", most=2)
    assert changes(parsed) == "+o=a +o=b +m +n -l"
    assert parsed.surplus == 0  # the letters were there
    assert changes(parse("+o a +o b +m", most=1)) == "+o=a +m"
    assert changes(parse("+om a", most=0)) == "+m"


@given(
    st.lists(st.one_of(st.text(st.sampled_from("+-bklmovxé"), max_size=8), st.text(max_size=4)), max_size=8),
    st.integers(0, 4),
)
@settings(max_examples=200)
def test_any_parameters_give_an_answer(params: list[str], most: int) -> None:
    parsed = parse_modes(KINDS, params, most)
    with_parameter = [change for change in parsed.changes if change.parameter is not None]
    assert len(with_parameter) <= most
    assert [change.parameter for change in with_parameter if change.parameter not in params] == []
    assert parsed.surplus <= max(0, len(params) - 1)
    for letters in (parsed.asked, parsed.unknown, parsed.incomplete):
        assert len(set(letters)) == len(letters)
    for change in parsed.changes:
        kind = KINDS[change.letter]
        if change.parameter is None:
            assert kind is ModeKind.FLAG or (kind in (ModeKind.KEYED, ModeKind.LIMITED) and not change.adding)
        else:
            assert kind is not ModeKind.FLAG
            assert kind is not ModeKind.LIMITED or change.adding
            assert kind is not ModeKind.LIST or change.parameter


def test_lines() -> None:
    several = [
        ModeChange(True, "o", "alice"),
        ModeChange(True, "m"),
        ModeChange(False, "v", "bob"),
        ModeChange(False, "n"),
        ModeChange(True, "l", "5"),
    ]
    assert mode_lines(several, 100) == [["+om-vn+l", "alice", "bob", "5"]]
    assert mode_lines(several, 13) == [["+om", "alice"], ["-vn+l", "bob", "5"]]
    assert mode_lines(several, 8) == [["+o", "alice"], ["+m-v", "bob"], ["-n+l", "5"]]
    assert mode_lines([], 100) == []


def test_a_line_has_no_more_parameters_than_the_protocol_allows() -> None:
    many = [ModeChange(True, "o", "a")] * 20 + [ModeChange(True, "m")]
    assert [len(line) - 1 for line in mode_lines(many, 500)] == [MAX_PARAMETERS, 7]
    flagged = [*many[:MAX_PARAMETERS], ModeChange(True, "m")]
    assert mode_lines(flagged, 500) == [["+" + "o" * MAX_PARAMETERS + "m", *["a"] * MAX_PARAMETERS]]


@pytest.mark.parametrize("parameter", ["", "a b", ":a"])
def test_no_parameter_can_move_the_others(parameter: str) -> None:
    with pytest.raises(UnsendableError):
        mode_lines([ModeChange(True, "k", parameter)], 100)


def test_a_change_that_does_not_fit() -> None:
    assert mode_lines([ModeChange(True, "k", "éé")], 7) == [["+k", "éé"]]
    with pytest.raises(UnsendableError):
        mode_lines([ModeChange(True, "k", "éé")], 6)


_parameters = st.text(st.sampled_from("+-abé*!@:"), min_size=1, max_size=6).filter(lambda text: text[0] != ":")


def _change(adding: bool, letter: str, parameter: str) -> ModeChange:
    without = KINDS[letter] is ModeKind.FLAG or (KINDS[letter] is ModeKind.LIMITED and not adding)
    return ModeChange(adding, letter, None if without else parameter)


@given(
    st.lists(st.builds(_change, st.booleans(), st.sampled_from(sorted(KINDS)), _parameters), max_size=30),
    st.integers(16, 60),
)
@settings(max_examples=200)
def test_what_is_written_is_read_as_meant(written: list[ModeChange], room: int) -> None:
    lines = mode_lines(written, room)
    assert all(len(" ".join(line).encode()) <= room for line in lines)
    read = [parse_modes(KINDS, line, MAX_PARAMETERS) for line in lines]
    assert [change for parsed in read for change in parsed.changes] == written
    assert all(parsed == ParsedModes(parsed.changes, (), (), (), 0) for parsed in read)
    # No sign without a letter that needs it.
    assert not any(f"{sign}{sign}" in line[0] or line[0].endswith(sign) for line in lines for sign in "+-")
