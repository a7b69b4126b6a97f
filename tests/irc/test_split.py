"""Cutting texts and lists."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from securechat.irc.split import fit, pack_words, split_text
from securechat.irc.words import UnsendableError

_texts = st.text(
    st.one_of(
        st.sampled_from("ab \u0301\u200d\ufe0f\U0001f468\U0001f3fd\U0001f1e9\U0001f1ea\u1100\u1161\u11a8각é€"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=80,
)


@given(_texts, st.integers(4, 60))
@example("x" * 100, 4)
@example("\U0001f600" * 10, 4)
@example(" " * 50, 7)
@settings(max_examples=300)
def test_parts_fit_and_are_the_text_again(text: str, room: int) -> None:
    parts = split_text(text, room)
    assert "".join(parts) == text
    assert all(0 < len(part.encode()) <= room for part in parts)


@given(_texts, st.integers(4, 60))
@settings(max_examples=150)
def test_fit_is_a_beginning(text: str, room: int) -> None:
    beginning = fit(text, room)
    assert text.startswith(beginning)
    assert len(beginning.encode()) <= room
    assert beginning == text or len(text.encode()) > room


def test_nothing_is_cut_that_fits() -> None:
    assert split_text("", 10) == []
    assert split_text("x" * 10, 10) == ["x" * 10]
    assert split_text("é" * 5, 10) == ["é" * 5]
    assert fit("é" * 5, 10) == "é" * 5


def test_words_stay_whole_and_spaces_end_a_part() -> None:
    assert split_text("one two three four five", 10) == ["one two ", "three ", "four five"]
    assert split_text("a verylongwordindeed", 10) == ["a verylong", "wordindeed"]
    # A space may carry a mark.
    assert split_text("abcdefg \u0301hijk", 11) == ["abcdefg \u0301h", "ijk"]


@pytest.mark.parametrize(
    "cluster",
    [
        "e\u0301\u0302",  # combining marks
        "\U0001f44d\U0001f3fd",  # a thumb and its skin
        "\u2764\ufe0f",  # a heart and its variation selector
        "1\ufe0f\u20e3",  # a keycap
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family, joined
        "\U0001f1e9\U0001f1ea",  # a flag
        "\U0001f3f4\U000e0067\U000e0062\U000e007f",  # a flag in tags
        "\u1100\u1161\u11a8",  # a Hangul syllable in its parts
        "\uac00\u11a8",  # one with a part more
        "\u1100\uac00",
        "\u1100\u1100\u1161",
        "\u0646\u200c",  # a letter that does not join the next
        "क\u094d\u0903",  # Devanagari signs
    ],
    ids=ascii,
)
def test_characters_as_people_see_them_stay_whole(cluster: str) -> None:
    # At every offset, so that a cut would fall into every place of the cluster.
    for offset in range(len(cluster.encode()) + 1):
        text = "x" * offset + cluster * 8
        for part in split_text(text, len(cluster.encode()) * 3 + 1):
            assert part.lstrip("x").replace(cluster, "") == ""
        assert fit(text, 40).lstrip("x").replace(cluster, "") == ""


def test_a_tower_of_marks_is_cut_between_code_points() -> None:
    tower = "e" + "\u0301" * 100
    parts = split_text(tower, 20)
    assert "".join(parts) == tower
    assert all(len(part.encode()) > 17 for part in parts[:-1])


def test_what_has_no_form() -> None:
    with pytest.raises(UnsendableError):
        split_text("\ud800", 10)
    with pytest.raises(ValueError, match="4 bytes"):
        split_text("x", 3)


def test_pack_words() -> None:
    assert pack_words([], 10) == []
    assert pack_words(["aa", "bb", "cc", "dddddddd"], 8) == [["aa", "bb", "cc"], ["dddddddd"]]
    assert pack_words(["aa", "bb", "cc"], 7) == [["aa", "bb"], ["cc"]]
    assert pack_words(["é", "é"], 5, separator=",") == [["é", "é"]]
    assert pack_words(["é", "é"], 4, separator=",") == [["é"], ["é"]]
    assert pack_words("abcde", 100, most=2) == [["a", "b"], ["c", "d"], ["e"]]
    with pytest.raises(UnsendableError):
        pack_words(["aaaa"], 3)


@given(st.lists(st.text(st.sampled_from("aé€"), min_size=1, max_size=5), max_size=30), st.integers(15, 40))
@settings(max_examples=100)
def test_packed_words_fit_and_no_list_is_shorter_than_it_must(words: list[str], room: int) -> None:
    lists = pack_words(words, room)
    assert [word for packed in lists for word in packed] == words
    assert all(len(" ".join(packed).encode()) <= room for packed in lists)
    for packed, following in pairwise(lists):
        assert len(" ".join([*packed, following[0]]).encode()) > room
