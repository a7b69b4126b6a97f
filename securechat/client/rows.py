"""Lines in the rows of a terminal, so that nobody's text can look like something that it is not.

Left to itself a terminal goes on at the left edge, where a text that is padded with spaces could look like a message
of somebody else.
"""

import shutil
from typing import Final

from prompt_toolkit.utils import get_cwidth

INDENT: Final = 6
"""Columns, those of the time: the second row of a message can't pass for another message."""
BAR: Final = " " * INDENT + "| "
"""Stands before the lines of a message that are its sender's own, all but the first."""
NARROW: Final = 20
"""Columns; in less than that nothing is indented."""


def columns() -> int:
    """The width of the terminal."""
    return shutil.get_terminal_size().columns


def wrap(line: str, columns: int, indent: str = "", then: str = " " * INDENT) -> list[str]:
    """A line in rows of less than `columns` columns: `indent` stands before the first of them, `then` before others."""
    if columns < NARROW:
        return [indent + line]
    rows: list[str] = []
    while True:
        fits = _fitting(line, columns - 1 - len(indent))
        if fits == len(line):
            return [*rows, indent + line]
        space = line.rfind(" ", 0, fits + 1)
        cut = space if space > 0 and _may_break(line, space, fits, columns - 1 - len(then)) else fits
        rows.append(indent + line[:cut])
        indent, line = then, line[cut:].lstrip(" ")


def _may_break(line: str, space: int, fits: int, width: int) -> bool:
    """Whether a row may end at its last space: it is half full by then, or the word behind fits into the next one.

    A fingerprint stays in one piece so; what fits into no row, as a long link, is not worth one that is almost empty.
    """
    word = line[space:].lstrip(" ").partition(" ")[0]
    return bool(line[:space].strip(" ")) and (space >= fits // 2 or _fitting(word, width) == len(word))


def _fitting(text: str, width: int) -> int:
    """How many characters of `text` fit into so many columns; at least one."""
    used = 0
    for index, character in enumerate(text):
        used += get_cwidth(character)
        if used > width:
            return max(index, 1)
    return len(text)
