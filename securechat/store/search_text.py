r"""Text as the search index has it: folded and cut into terms, what is said and what is asked for alike.

SQLite's own tokenizers neither find the words of languages that are written without spaces, nor emoji, nor fold what
`casefold()` folds. So the text is made ready here, and the index only cuts at ASCII's own separators (FTS5's tokenizer
``ascii``, for which everything beyond ASCII is part of a word). What becomes of a text:

- *Folded*: compatibility forms (full width, ligatures), case, accents, the Hebrew and Arabic vowel points. е finds ё.
- *Words* of letters, digits and what belongs to them, such as the vowel signs of Indic scripts.
- *Runs* of Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese become overlapping pairs, and the last character
  alone: ``東京都`` is ``東京 京都 都``. So any part of two characters or more is a phrase of pairs, and a single one
  the beginning of a term.
- *Symbols*, emoji among them, are terms by themselves, without skin tones and other modifiers; a flag is one term.
  Of ASCII only ``#`` and ``+`` are, where they touch a word (``c++``, ``#tag``); other signs only separate.

What a program wrote for programs (CTCP, formatting codes) is not looked for.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

__all__ = ["FORMAT", "MAX_WORDS", "Query", "QueryError", "fold", "parse_query", "terms"]

FORMAT: Final = f"1/{unicodedata.unidata_version}"
"""How texts are cut. An index of another format is of no use: what is in it can't even be taken out any more."""

MAX_WORDS: Final = 64
"""Words and phrases of one query."""


class QueryError(Exception):
    """The query is none; ``str()`` says why, without the full stop, to whoever has asked."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for. ``wanted`` and ``unwanted``: expressions of FTS5, each a phrase, maybe with a ``*``.

    A message fits that has all of the first and none of the second. There is at least one that is wanted.
    """

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...] = ()


# -- folding ----------------------------------------------------------------------------------------------------------

_FORMATTING: Final = re.compile(
    r"\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?"
    r"|\x04(?:[0-9a-fA-F]{6}(?:,[0-9a-fA-F]{6})?)?"
    r"|[\x02\x0f\x11\x16\x1d\x1e\x1f\r]"  # the last is a joint of two pieces of one line (securechat.irc.multiline)
)
_CONTROLS: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
_CTCP: Final = re.compile("^\x01([^ \x01\r\n]*) ?([^\x01]*)\x01?$", re.MULTILINE)

# Accents, Hebrew points, Arabic vowel points, marks around emoji (keycaps); selectors, tags and skin tones; joiners and
# what else shows nothing.
_DROPPED: Final = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u08d3-\u08e1\u08e3-\u08ff\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f"
    "\ufe20-\ufe2f\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ud800-\udfff]+"
)


def _plain(text: str) -> str:
    """Without what is there for programs: an ACTION is its text, other CTCP only its parameters."""
    if "\x01" in text:
        text = _CTCP.sub(lambda found: found[2], text)
    return _CONTROLS.sub(" ", _FORMATTING.sub("", text))


def fold(text: str) -> str:
    """The form in which what should find each other is the same. What is folded already stays as it is."""
    if text.isascii():
        return text.lower()
    # Folding case can bring what decomposes and the other way round (Unicode, D146): so each is done twice.
    for _ in range(2):
        text = unicodedata.normalize("NFKD", _DROPPED.sub("", unicodedata.normalize("NFKD", text)).casefold())
    return unicodedata.normalize("NFC", _DROPPED.sub("", text))


# -- cutting ----------------------------------------------------------------------------------------------------------

_PAIRED: Final = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59"  # Thai
    "\u0e81-\u0eff"  # Lao
    "\u1000-\u1049\u1050-\u109f\ua9e0-\ua9fe\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17d3\u17d7\u17dc-\u17e9"  # Khmer
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"  # Korean
    "\u3005-\u3007\u3031-\u3035\u303b\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\U0001aff0-\U0001b16f"  # Japanese
    "\u3105-\u312f\u31a0-\u31bf\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese
)
_INDICATORS: Final = "\U0001f1e6-\U0001f1ff"  # two of them are a flag

_RUN: Final = re.compile(f"[{_PAIRED}]+|[{_INDICATORS}]{{1,2}}")
_IS_PAIRED: Final = re.compile(f"[{_PAIRED}]")
_IS_PICTURE: Final = re.compile("[\U0001f000-\U0001faff\u3030\u303d]")  # also those that are newer than this Python

_SIGNS: Final = re.compile(r"(?<=\w)[#+]+|[#+]+(?=\w)")
_WIDE: Final = {ord("#"): " \uff03 ", ord("+"): " \uff0b "}  # no folded text has these, and they are not ASCII

_SEPARATORS: Final = re.compile(r"[\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")

_KEPT: Final = 0x10000
"""Below it the fate of each character is found out once. Beyond, it would take much memory to know all of them."""


class _Fates(dict[int, str | int]):
    """What becomes of the characters of a folded text, for `str.translate`: made as they are met."""

    def __missing__(self, code: int) -> str | int:
        fate = _fate(chr(code))
        if code < _KEPT:
            self[code] = fate
        return fate


def _fate(character: str) -> str | int:
    """Part of a word, a term by itself, or a separator."""
    code = ord(character)
    if code < 0x80 or _RUN.match(character):
        return code
    category = unicodedata.category(character)
    if category in ("So", "Sm", "Sc") or _IS_PICTURE.match(character):
        return f" {character} "
    return code if category[0] in "LMN" else " "


_FATES: Final = _Fates()


def _cut(text: str, runs: bool = True) -> str:
    """What is folded, with spaces between its terms; ASCII's separators may stand there as well."""
    if not text.isascii():
        text = _RUN.sub(_pairs if runs else _apart, text.translate(_FATES))
    if "#" in text or "+" in text:
        text = _SIGNS.sub(lambda found: found[0].translate(_WIDE), text)
    return text


def _pairs(found: re.Match[str]) -> str:
    run = found[0]
    if len(run) == 1 or not _IS_PAIRED.match(run):
        return f" {run} "
    return f" {' '.join(map(''.join, pairwise(run)))} {run[-1]} "


def _apart(found: re.Match[str]) -> str:
    return f" {found[0]} "


_NOTHING_TO_DO: Final = re.compile(r"[^\x00-\x1f\x7f#+]*")


def terms(text: str) -> str:
    """The terms of a text of the log, as the index takes them: between them are spaces, and signs that separate.

    Most texts are nothing but ASCII's letters and signs, and so are their own terms: case is folded by the index.
    """
    if text.isascii() and _NOTHING_TO_DO.fullmatch(text):
        return text
    return _cut(fold(_plain(text)))


# -- queries ----------------------------------------------------------------------------------------------------------

_WORD: Final = re.compile(r'(-?)(?:"([^"]*)"?|([^\s"]+))')


def parse_query(text: str) -> Query:
    """What somebody looks for: words, all of which a message must have; the last one, or one with ``*`` behind it, may
    be the beginning of a word. ``"A phrase"`` is words in this order, ``-word`` what a message must not have.

    Raises :class:`QueryError` for what has no word to look for, or too many.
    """
    found = _WORD.findall(_plain(text))
    if len(found) > MAX_WORDS:
        raise QueryError(f"there may be {MAX_WORDS} words at most")
    wanted: list[str] = []
    unwanted: list[str] = []
    last = len(found) - 1
    for at, (minus, quoted, word) in enumerate(found):
        beginning = bool(word) and (word.endswith("*") or (at == last and not minus))
        phrase = _phrase(quoted or word, beginning=beginning)
        if phrase:
            (unwanted if minus else wanted).append(phrase)
    if not wanted:
        raise QueryError("there must be a word to look for" if unwanted else "there is no word in it to look for")
    return Query(tuple(wanted), tuple(unwanted))


def _phrase(text: str, *, beginning: bool) -> str:
    """The expression of FTS5 for text that stands together; ``""`` where nothing in it can be looked for.

    At its end it may cut a run of characters short: so there the last one is not alone, as it is in a text where
    the run ends; and a run of a single one is the beginning of a pair, or that last one itself.
    """
    pieces = _SEPARATORS.sub(" ", _cut(fold(text), runs=False)).split()
    cut: list[str] = []
    for at, piece in enumerate(pieces):
        if _IS_PAIRED.match(piece):
            pairs = [piece[start : start + 2] for start in range(len(piece) - 1)]
            ends = at + 1 < len(pieces)
            cut += [*pairs, piece[-1]] if ends or not pairs else pairs
        else:
            cut.append(piece)
    if not cut:
        return ""
    last = cut[-1]
    if _IS_PAIRED.match(last):
        beginning = len(last) == 1
    elif not last[-1].isalnum() and unicodedata.category(last[-1])[0] != "M":
        beginning = False  # a symbol is whole
    return f'"{" ".join(cut)}"{" *" if beginning else ""}'
