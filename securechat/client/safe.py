"""What comes from the network, made fit for a screen; and what is to be sent, made fit for the network.

Everything that others wrote goes through `safe_text` or `safe_name` before it is printed. What they return is one line
and moves no cursor: no control characters (C0, DEL, C1, so no escape sequences either), nothing that turns the
direction of text, no line or paragraph separators, nothing that is there without being seen. IRC's formatting codes
(modern.ircdocs.horse/formatting) are taken out.

Controls are shown, as U+2400 to U+2421 or as U+FFFD, since a reader should know that there was something; invisible
characters are dropped. Two joiners are kept where they do honest work, between characters that are not ASCII: Persian
and Indic scripts need them, and emoji families. Towers of combining marks end at `MAX_MARKS`.
"""

import re
import unicodedata
from typing import Final

MAX_MARKS: Final = 4
"""Combining marks in a row that are shown; living languages need three."""

MAX_NAME: Final = 64
"""Characters of a name that are shown."""

_FORMATTING: Final = re.compile(
    r"\x03(?:[0-9]{1,2}(?:,[0-9]{1,2})?)?"  # a colour by number
    r"|\x04(?:[0-9a-fA-F]{6}(?:,[0-9a-fA-F]{6})?)?"  # a colour by its red, green and blue
    r"|[\x02\x0f\x11\x16\x1d\x1e\x1f]"  # bold, reset, monospace, reverse, italics, strikethrough, underline
)

_CLOSING: Final = "closing link: "  # before the reason in an ERROR, with most servers

_JOINERS: Final = frozenset("\u200c\u200d")
_STRAY_JOINER: Final = re.compile(
    "(?<![^\x00-\x7f\u200c\u200d])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f\u200c\u200d])"
)

# Signs of numbers and verses in Arabic and Syriac are "format" characters that can be seen.
_SEEN_FORMATS: Final = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
# Letters and marks that show nothing, though their category does not say so (Unicode's Default_Ignorable_Code_Point),
# but for the selectors of text and emoji form.
_UNSEEN: Final = frozenset(
    map(chr, (
        0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x3164, 0xFFA0,
        *range(0xFE00, 0xFE0E), *range(0xE0100, 0xE01F0),
    ))
)  # fmt: skip
_MARKS: Final = frozenset(("Mn", "Me"))

_REPLACEMENT: Final = "\ufffd"
_UNSENDABLE: Final = re.compile("[\x00\x01\r\n\ud800-\udfff]")


def parting(text: str) -> str:
    """What an ERROR says, without the words that say what one sees anyhow: that the connection ends."""
    return text[len(_CLOSING) :] if text.lower().startswith(_CLOSING) else text


def safe_text(text: str) -> str:
    """`text` as it can be printed: one line, no control character, nothing hidden. What is safe stays as it is."""
    text = _FORMATTING.sub("", text)
    if text.isascii() and text.isprintable():
        return text
    shown = []
    marks = 0
    for character in text:
        if character in _JOINERS:
            shown.append(character)
            continue
        visible = _visible(character)
        if visible and unicodedata.category(visible) in _MARKS:
            marks += 1
            if marks > MAX_MARKS:
                continue
        elif visible:
            marks = 0
        shown.append(visible)
    return _STRAY_JOINER.sub("", "".join(shown))


def safe_name(name: str) -> str:
    """A nick, channel or server name as it can be printed: `safe_text`, without spaces, never empty, not endless."""
    shown = "".join(
        "_" if character.isspace() else character for character in safe_text(name) if character not in _JOINERS
    )
    return (shown if len(shown) <= MAX_NAME else shown[: MAX_NAME - 1] + "…") or "?"


def sendable(text: str) -> str:
    """`text` with U+FFFD in the place of what IRC can't carry or would take for something else than text.

    That is NUL, CR, LF and lone surrogates, and U+0001, which makes a request to the reader's client out of a text
    (CTCP).
    """
    return _UNSENDABLE.sub(_REPLACEMENT, text)


def _visible(character: str) -> str:
    """What to show in the place of one character: itself, a picture of it, or nothing."""
    if character.isprintable() and character not in _UNSEEN:
        return character
    if character == "\t":
        return " "
    if character <= "\x1f":
        return chr(0x2400 + ord(character))
    if character == "\x7f":
        return "\u2421"
    category = unicodedata.category(character)
    if category in ("Zl", "Zp"):
        return "\u2424"
    if category in ("Cc", "Cs"):
        return _REPLACEMENT
    if category == "Cf":
        return character if character in _SEEN_FORMATS else ""
    return "" if character in _UNSEEN else character
