"""Cutting what is too long for one line into pieces that fit: text, and lists of words.

All lengths are bytes of UTF-8, since that is what the protocol limits.
"""

import unicodedata
from collections.abc import Iterable

from securechat.irc.words import UnsendableError, encode

_JOINER = "\u200d"
_EXTENDING = frozenset(("Mn", "Mc", "Me"))  # combining marks, variation selectors and keycaps among them


def split_text(text: str, room: int) -> list[str]:
    """`text` in parts of at most `room` bytes; joined they are the text again, and no part is empty.

    A cut is made behind a space if there is one in the second half of the part, else between two characters as
    people see them (`_breaks_between`), else between two code points; only a tower of combining marks, longer than
    half a part, comes to that. Takes time linear in the text. `room` is at least 4, the longest code point. Raises
    `UnsendableError` for lone surrogates.
    """
    if room < 4:
        raise ValueError("a part must have room for any code point, which takes up to 4 bytes")
    data = encode(text)
    parts = []
    start = 0
    while len(data) - start > room:
        end = _code_point_start(data, start + room)
        window = data[start:end].decode()
        following = data[end : _code_point_start(data, end + 4)].decode()[0]
        part = window[: _cut(window, following)]
        parts.append(part)
        start += len(part.encode())
    if start < len(data):
        parts.append(data[start:].decode())
    return parts


def fit(text: str, room: int) -> str:
    """As much of the beginning of `text` as fits into `room` bytes, cut between two characters as people see them.

    For lines that repeat what a peer sent and must not become longer than a line for it.
    """
    data = encode(text)
    if len(data) <= room:
        return text
    end = _code_point_start(data, room)
    window = data[:end].decode()
    following = data[end : _code_point_start(data, end + 4)].decode()[0]
    return window[: _character_cut(window, following)]


def pack_words(words: Iterable[str], room: int, separator: str = " ", most: int | None = None) -> list[list[str]]:
    """`words` in order, as lists of at most `room` bytes each when joined by `separator`, one ASCII character.

    `most`: how many words a list may have at most. No words give no list. Raises `UnsendableError` for a word that
    does not fit by itself.
    """
    lists: list[list[str]] = []
    used = room
    for word in words:
        size = len(encode(word))
        if size > room:
            raise UnsendableError("a word is longer than a line")
        if used + len(separator) + size > room or len(lists[-1]) == most:
            lists.append([word])
            used = size
        else:
            lists[-1].append(word)
            used += len(separator) + size
    return lists


def _code_point_start(data: bytes, at: int) -> int:
    """`at`, or the start of the code point that it is inside of."""
    while at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    return min(at, len(data))


def _cut(window: str, following: str) -> int:
    """Where to end a part: `window` is what fits, `following` the first character that does not."""
    space = window.rfind(" ", len(window) // 2) + 1
    if space and _breaks_between(window, space, following):
        return space
    return _character_cut(window, following)


def _character_cut(window: str, following: str) -> int:
    """The last place in the second half of `window` between two characters as people see them, else its end."""
    for at in range(len(window), len(window) // 2, -1):
        if _breaks_between(window, at, following):
            return at
    return len(window)


def _breaks_between(window: str, at: int, following: str) -> bool:
    """Whether a new character, as people see them, begins at `at`.

    An honest approximation of grapheme clusters (Unicode Standard Annex 29) with what Python knows by itself: combining
    marks, variation selectors, skin tones and tags stay with what they change, a zero-width joiner with both its
    neighbours, the two letters of a flag and the parts of a Hangul syllable with each other.
    """
    before = window[at - 1]
    after = window[at] if at < len(window) else following
    if after.isascii() and before.isascii():
        return True
    if unicodedata.category(after) in _EXTENDING or _JOINER in (before, after):
        return False
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f" or after == "\u200c":
        return False
    if _flag_letter(before) and _flag_letter(after):
        # Letters pair from the left, so an odd number of them before this place means that a pair is open. A part never
        # begins inside a pair, unless a cut between code points was all there was.
        letters = at - len(window[:at].rstrip(_FLAG_LETTERS))
        return letters % 2 == 0
    leading = "\u1100" <= before <= "\u115f"  # a Hangul consonant that begins a syllable
    return not ("\u1160" <= after <= "\u11ff" or (leading and ("\u1100" <= after <= "\u115f" or _syllable(after))))


_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))


def _flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _syllable(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3"
