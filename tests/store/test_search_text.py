"""What is said is found by its words, its characters and its emoji, however they are written; no query does harm.

Everything here asks FTS5 itself: a table as the index has it, with what `terms` and `parse_query` give.
"""

import sqlite3
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from securechat.store.search_text import MAX_WORDS, Query, QueryError, fold, parse_query, terms

CJK = "東京都大学言語漢字かなカナンとがプー々〇한국어검색한글ภาษาไทยກຂຄខ្មែរမြန်မာㄅㄆ"
EMOJI = ("😀", "👍", "👍🏽", "❤️", "☃", "🇩🇪", "🇫🇷", "👨‍👩‍👧", "🏳️‍🌈", "🫨", "▶️", "↔️", "∑", "€")
WORDS = st.text(alphabet="abcXYZ0189äöüßéёЁЖжΣσςπאבשلمنहिन्दीñøçＡ", min_size=1, max_size=8)


class Table:
    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.execute(
            "CREATE VIRTUAL TABLE t USING fts5(text, place, content = '', columnsize = 0, tokenize = 'ascii')"
        )

    def finds(self, text: str, asked: str) -> bool:
        return self.fits(text, parse_query(asked))

    def fits(self, text: str, query: Query) -> bool:
        execute = self.connection.execute
        execute("BEGIN")
        try:
            execute("INSERT INTO t(rowid, text, place) VALUES (1, ?, 'c1')", (terms(text),))
            expression = f"(text : ({' AND '.join(query.wanted)}))"
            if query.unwanted:
                expression += f" NOT (text : ({' OR '.join(query.unwanted)}))"
            return execute("SELECT rowid FROM t WHERE t MATCH ?", (expression,)).fetchone() is not None
        finally:
            execute("ROLLBACK")


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    table = Table()
    yield table
    table.connection.close()


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Ёлка стоит", "елка"),
        ("елка стоит", "ЁЛКА"),
        ("Café au lait", "cafe"),
        ("cafe au lait", "CAFÉ"),
        ("Cafe\u0301", "café"),
        ("Die Straße", "STRASSE"),
        ("Die STRASSE", "straße"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("ﾊﾝｶｸ ｶﾞ", "ハンカク"),
        ("ﾊﾝｶｸ ｶﾞ", "ガ"),
        ("ΟΔΟΣ οδός", "οδος"),
        ("كِتَابٌ", "كتاب"),
        ("שָׁלוֹם", "שלום"),
        ("I\u0307stanbul", "istanbul"),
        ("ﬁnal", "final"),
        ("ﬁnal", "fin"),
        ("東京都庁", "京都"),
        ("東京都庁", "庁"),
        ("東京都庁", "東"),
        ("東京都庁", '"東京都庁"'),
        ("今日はPython言語を学ぶ", "python"),
        ("今日はPython言語を学ぶ", "Python言語"),
        ("今日はPython言語を学ぶ", "言語を"),
        ("한국어 검색", "국어"),
        ("ภาษาไทย", "ไทย"),
        ("so 👍🏽 good", "👍"),
        ("so 👍 good", "👍🏿"),
        ("we are 👨‍👩‍👧", "👩"),
        ("🇩🇪🇫🇷", "🇫🇷"),
        ("1️⃣ first", "1"),
        ("❤ love", "❤️"),
        ("I like c++ a lot", "c++"),
        ("in c# it is", "c#"),
        ("see #tag here", "#tag"),
        ("see #tag here", "tag"),
        ("foo_bar", "foo_bar"),
        ("foo_bar", "bar"),
        ("https://example.org/a?b=c", "example.org/a"),
        ("https://example.org/a?b=c", "https://example.org/a?b=c"),
        ("mail alice@example.org now", "alice@example.org"),
        ("\x02bol\x02d word", "bold"),
        ("\x0304,12red\x03 text", "red"),
        ("\x04ff0000red", "red"),
        ("\x01ACTION waves\x01", "waves"),
        ("one\ntwo", "two"),
        ("one line in two pie\rces", "pieces"),
        ("one line in two pie\nces", "pie ces"),
        ("hello world", "wor"),
        ("hello world", "hel* world"),
        ("hello world", '"hello world'),
        ("hello world", "-bye hello"),
        ("zero\u200bwidth", "zerowidth"),
        ("soft\u00adhyphen", "softhyphen"),
    ],
)
def test_is_found(table: Table, text: str, asked: str) -> None:
    assert table.finds(text, asked)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("hello world", "hel world"),  # only the last word may be a beginning
        ("hello world", '"world hello"'),
        ("hello world", "hello -world"),
        ("hello world", 'hello -"hello world"'),
        ("world", "orl"),
        ("hello world", '"hello wor"'),  # a phrase is of whole words
        ("東京", "京東"),
        ("東京 都庁", "京都"),
        ("c and d", "c++"),
        ("a tag", "#tag"),
        ("🇩🇪🇫🇷", "🇪🇫"),
        ("\x01ACTION waves\x01", "action"),
        ("\x0304red", "04red"),
        ("foo bar", "OR"),
        ("foo bar", "foo NOT bar NEAR"),
        ("foo", "place"),
        ("foo", "c1"),
    ],
)
def test_is_not_found(table: Table, text: str, asked: str) -> None:
    assert not table.finds(text, asked)


@settings(max_examples=150, deadline=None)
@given(st.text())
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6), st.data())
def test_a_text_is_found_by_any_of_its_words_and_by_their_beginnings(words: list[str], data: st.DataObject) -> None:
    assume(all(any(c.isalnum() for c in fold(word)) for word in words))
    with_connection = Table()
    try:
        word = data.draw(st.sampled_from(words))
        assert with_connection.finds(" ".join(words), f'"{word}"')
        whole = fold(word)
        assert with_connection.finds(" ".join(words), whole[: data.draw(st.integers(1, len(whole)))] + "*")
    finally:
        with_connection.connection.close()


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=CJK, min_size=1, max_size=12), st.sampled_from(("", " ", "abc", "。", "👍")), st.data())
def test_a_run_is_found_by_any_of_its_parts(run: str, beside: str, data: st.DataObject) -> None:
    run = fold(run)
    start = data.draw(st.integers(0, len(run) - 1))
    part = run[start : data.draw(st.integers(start + 1, len(run)))]
    assume(fold(part) == part)
    table = Table()
    try:
        for text in (run, run + beside, beside + run):
            assert table.finds(text, part)
            assert table.finds(text, f'"{part}"')
    finally:
        table.connection.close()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from((*EMOJI, "word", "東京")), min_size=1, max_size=8), st.data())
def test_a_text_is_found_by_each_of_its_emoji(pieces: list[str], data: st.DataObject) -> None:
    table = Table()
    try:
        assert table.finds("".join(pieces), data.draw(st.sampled_from(pieces)))
    finally:
        table.connection.close()


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(('"', "*", "-", "(", ")", ":", "^", "{", "}", "+", "#", "AND", "OR", "NOT", "NEAR(", "text",
                             "place:", "\x00", "\x01", "'", ";", "東", "👍", "a", " ", "\n", "\ud800", "\u0301")),
            max_size=20,
        ).map("".join),
    ),
    st.text(max_size=20),
)  # fmt: skip
def test_no_query_raises_anything_but_its_own_error(asked: str, text: str) -> None:
    try:
        query = parse_query(asked)
    except QueryError:
        return
    table = Table()
    try:
        table.fits(text, query)
    finally:
        table.connection.close()


@pytest.mark.parametrize("asked", ["", "   ", '""', "*", "...", "- -", "-word", '-"a b"', "\x02\x0304", "\u0301", "_"])
def test_a_query_without_a_word_is_an_error(asked: str) -> None:
    with pytest.raises(QueryError):
        parse_query(asked)


def test_a_query_has_only_so_many_words() -> None:
    assert len(parse_query("word " * MAX_WORDS).wanted) == MAX_WORDS
    with pytest.raises(QueryError):
        parse_query("word " * (MAX_WORDS + 1))


def test_every_character_is_folded_once_and_for_all() -> None:
    """Also those of the planes beyond the first."""
    for code in (*range(0x3000), *range(0xA000, 0x10000), *range(0x10000, 0x20000)):
        character = chr(code)
        folded = fold(character)
        assert fold(folded) == folded
        assert unicodedata.is_normalized("NFC", folded)
