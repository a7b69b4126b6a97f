"""The parameters of MODE: which changes somebody asks for, and changes as the lines that tell of them.

Which letters there are and what they mean is the chat's business; here is only which of them take a parameter
(Modern IRC, "MODE message"; its types A to D, and the prefixes of members).
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from securechat.irc.words import UnsendableError, encode, is_word

MAX_PARAMETERS = 13
"""In one line of ours: the protocol's 15 less the target and the letters."""


class ModeKind(Enum):
    """When a mode takes a parameter."""

    LIST = auto()
    """Type A: an entry of a list, added or removed. Without a parameter the list is asked for."""
    KEYED = auto()
    """Type B: when it is set and when it is unset. Who unsets it may leave it out."""
    LIMITED = auto()
    """Type C: only when it is set."""
    FLAG = auto()
    """Type D: never."""
    MEMBER = auto()
    """A prefix: always, and it is a nick."""


@dataclass(frozen=True, slots=True)
class ModeChange:
    """One letter of a MODE: set (`adding`) or unset, with its parameter if it has one."""

    adding: bool
    letter: str
    parameter: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedModes:
    """What the parameters of a MODE say; everything in the order in which it was written, letters only once.

    - `changes`: what to do. A parameter of a mode that is no list may be `""`, if that is what was sent.
    - `asked`: letters of the lists to show.
    - `unknown`: characters that are no mode here.
    - `incomplete`: letters that can't do without a parameter and had none.
    - `surplus`: how many parameters nobody takes.
    """

    changes: tuple[ModeChange, ...]
    asked: tuple[str, ...]
    unknown: tuple[str, ...]
    incomplete: tuple[str, ...]
    surplus: int


def parse_modes(kinds: Mapping[str, ModeKind], params: Sequence[str], most: int) -> ParsedModes:
    """What `params`, all that follows the target, ask for. Never fails.

    `kinds`: letter to kind. `most`: how many changes with a parameter are taken, the MODES of ISUPPORT; those beyond
    are left out, and so are their parameters. The sign is `+` until there is one. Words that are left when the letters
    have what they need are letters again if they begin with a sign, as in `+o alice -o bob`, which some clients send.
    """
    changes: list[ModeChange] = []
    asked: dict[str, None] = {}  # dictionaries for their order
    unknown: dict[str, None] = {}
    incomplete: dict[str, None] = {}
    rest = deque(params)
    taken = 0
    while rest and (rest[0][:1] in ("+", "-") or len(rest) == len(params)):
        adding = True
        for letter in rest.popleft():
            if letter in "+-":
                adding = letter == "+"
                continue
            kind = kinds.get(letter)
            if kind is None:
                unknown[letter] = None
                continue
            if kind is ModeKind.FLAG or (kind is ModeKind.LIMITED and not adding):
                changes.append(ModeChange(adding, letter))
                continue
            parameter = rest.popleft() if rest else None
            if kind is ModeKind.LIST and not parameter:
                asked[letter] = None
            elif parameter is not None:
                taken += 1
                if taken <= most:
                    changes.append(ModeChange(adding, letter, parameter))
            elif kind is ModeKind.KEYED and not adding:
                changes.append(ModeChange(adding, letter))
            else:
                incomplete[letter] = None
    return ParsedModes(tuple(changes), tuple(asked), tuple(unknown), tuple(incomplete), len(rest))


def mode_lines(changes: Sequence[ModeChange], room: int) -> list[list[str]]:
    """The changes, in order, as the words behind the target: `[["+o-v", "alice", "bob"]]`; no changes give no line.

    `room`: the bytes that the words of a line may have together, with a space between each two. A line has at most
    `MAX_PARAMETERS` parameters and repeats a sign only where it changes. Raises `UnsendableError` for a change that
    does not fit by itself, and for a parameter that can't be a word.

    Whoever reads the line takes a parameter for each letter that may have one. So give a KEYED mode that is unset one
    as well, `*` by custom.
    """
    lines: list[list[str]] = []
    sign = ""
    size = 0
    for change in changes:
        words = [] if change.parameter is None else [change.parameter]
        if not all(map(is_word, words)):
            raise UnsendableError("the parameter of a mode can't be empty, hold a space or begin with ':'")
        wanted = "+" if change.adding else "-"
        cost = len(encode(change.letter)) + sum(len(encode(word)) + 1 for word in words)
        full = not lines or (bool(words) and len(lines[-1]) > MAX_PARAMETERS)
        if full or size + cost + (wanted != sign) > room:
            if 1 + cost > room:
                raise UnsendableError("a mode is longer than a line")
            lines.append([""])
            sign, size = "", 0
        lines[-1][0] += change.letter if wanted == sign else wanted + change.letter
        lines[-1] += words
        size += cost + (wanted != sign)
        sign = wanted
    return lines
