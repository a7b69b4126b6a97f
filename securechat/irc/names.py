"""Names: which are valid, when two are the same, and masks that match them.

`CASEMAPPING=ascii`: `A` to `Z` equal `a` to `z` and nothing else is folded, so everyone agrees on what a name is,
on any version of Unicode.
"""

import re
import unicodedata
from functools import lru_cache

MAX_NICK = 32
MAX_CHANNEL = 64

_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")

_NICK = re.compile(r"[A-Za-z_\[\]\\^{}|`][A-Za-z0-9_\[\]\\^{}|`-]*")

_MASK_TOKEN = re.compile(r"\\[*?]|.", re.DOTALL)

MASKS_CUT = 256
"""So many masks are kept ready to match; the others are made so when they are used."""

# Controls, formats (zero width, direction), line and paragraph separators, spaces, surrogates.
_UNSEEN_CATEGORIES = frozenset(("Cc", "Cf", "Zl", "Zp", "Zs", "Cs"))
# Letters, marks and symbols that show nothing or a blank, though their category does not say so: grapheme joiner,
# Hangul fillers, Khmer inherent vowels, Mongolian selectors, braille blank, variation selectors.
_UNSEEN = frozenset(
    map(chr, (
        0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0,
        *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0),
    ))
)  # fmt: skip


def casefold(name: str) -> str:
    """The form in which two names are equal if they are one name. For dictionaries, never to be shown."""
    return name.lower() if name.isascii() else name.translate(_LOWER)


def valid_nick(name: str, max_length: int = MAX_NICK) -> bool:
    r"""Whether `name` can be a nick or an account: ASCII letters, digits and ``-_[]\^{}|` ``, no digit or `-` in front.

    `max_length` is in characters, which are bytes here. Narrower than Modern IRC ("Clients") asks for: without other
    alphabets no nick can look like another by means of them.
    """
    return len(name) <= max_length and _NICK.fullmatch(name) is not None


def valid_channel(name: str, max_length: int = MAX_CHANNEL) -> bool:
    """Whether `name` can be a channel: `#`, then at least one character; `max_length` is in bytes of UTF-8.

    Modern IRC ("Channels") forbids space, comma and BEL. Here nothing is allowed that can't be seen: control
    characters, C1 among them, could drive the terminals of those who read the name; characters that turn the
    direction of text would move what stands around it; and zero-width ones, blanks and line separators would make a
    second `#lobby` that nobody can tell from the first, or a name that looks like the end of one line and the
    beginning of another. For the same reason a name is in NFC: there are two ways to write `#café`, and they would
    be two channels.
    """
    return (
        len(name) > 1
        and name[0] == "#"
        and "," not in name
        and len(name) <= max_length  # in characters, so that a long name is not looked at
        and all(map(_seen, name))  # which leaves no surrogate to fail on below
        and len(name.encode()) <= max_length
        and unicodedata.is_normalized("NFC", name)
    )


def _seen(character: str) -> bool:
    """Whether a character shows. A space does not."""
    return unicodedata.category(character) not in _UNSEEN_CATEGORIES and character not in _UNSEEN


def split_source(source: str) -> tuple[str, str, str]:
    """`nick!user@host` as its three parts, each `""` where it is missing; a server's name is all nick.

    The host is what follows the last `@`, since a user name may have one (Modern IRC, "Source").
    """
    rest, at, host = source.rpartition("@")
    nick, _, user = (rest if at else host).partition("!")
    return nick, user, host if at else ""


class Mask:
    r"""A pattern over names: `*` for any characters or none, `?` for exactly one (Modern IRC, "Wildcard Expressions").

    `\*` and `\?` are those characters themselves; any other backslash is only a backslash, which nicks may contain.
    Case is folded as in names. Matching never goes back behind a piece that it has found, so a hostile mask costs
    no more than the lengths of the mask and of the text together.
    """

    __slots__ = ("_text",)

    def __init__(self, mask: str) -> None:
        self._text = casefold(mask)

    def match(self, text: str) -> bool:
        """Whether the mask covers the whole of `text`."""
        text = casefold(text)
        (first, *others), middle_places = _cut(self._text)
        if not others:
            return len(text) == _length(first) and _stands_at(first, text, 0)
        *middle, last = others
        start, end = _length(first), len(text) - _length(last)
        if end < start or not _stands_at(first, text, 0) or not _stands_at(last, text, end):
            return False
        for piece, places in zip(middle, middle_places, strict=True):
            # The leftmost place is always good enough: it leaves the most for the pieces behind.
            start = _find(piece, places, text, start, end)
            if start < 0:
                return False
            start += _length(piece)
        return True


def match(mask: str, text: str) -> bool:
    """`Mask(mask).match(text)`, for a mask that is used once."""
    return Mask(mask).match(text)


@lru_cache(MASKS_CUT)
def _cut(mask: str) -> tuple[list[list[str]], list[tuple[dict[str, int], int]]]:
    """The pieces of a folded mask, and the `_places` of those that stand between two others. Not to be changed.

    Stars cut the mask into pieces, question marks cut a piece into literals: "a?b*c" is [["a", "b"], ["c"]]. That can
    take a hundred times the memory of the mask itself, and somebody may have filled many lists with such masks: so it
    is only kept of those that were used last.
    """
    pieces = [[""]]
    for part in _MASK_TOKEN.findall(mask):
        if part == "*":
            pieces.append([""])
        elif part == "?":
            pieces[-1].append("")
        else:
            pieces[-1][-1] += part[-1]  # of "\\*" the star
    return pieces, [_places(piece) for piece in pieces[1:-1]]


def _length(piece: list[str]) -> int:
    """How many characters a piece covers: its literals, and a question mark between each two."""
    return sum(map(len, piece)) + len(piece) - 1


def _stands_at(piece: list[str], text: str, at: int) -> bool:
    """Whether `piece` covers the text from `at` on. The text is known to be long enough."""
    for literal in piece:
        if not text.startswith(literal, at):
            return False
        at += len(literal) + 1
    return True


def _places(piece: list[str]) -> tuple[dict[str, int], int]:
    """Where in a piece each character may stand, and where every one may: places as bits of a number."""
    places: dict[str, int] = {}
    marks, bit = 0, 1
    for number, literal in enumerate(piece):
        if number:
            marks |= bit
            bit <<= 1
        for character in literal:
            places[character] = places.get(character, 0) | bit
            bit <<= 1
    return places, marks


def _find(piece: list[str], places: tuple[dict[str, int], int], text: str, start: int, end: int) -> int:
    """The first place in `text[start:end]` where `piece` stands, or -1.

    With question marks in it, all places are tried at once (the "shift-and" algorithm of Baeza-Yates and Gonnet): bit n
    says that the n + 1 characters before here are as the first n + 1 of the piece. So nobody can make it long by a mask
    that nearly matches everywhere.
    """
    if len(piece) == 1:
        return text.find(piece[0], start, end)
    length = _length(piece)
    bits, marks = places
    state, whole = 0, 1 << length - 1
    for at in range(start, end):
        state = (state << 1 | 1) & (bits.get(text[at], 0) | marks)
        if state & whole:
            return at + 1 - length
    return -1
