"""Changes of modes in words: `made bob an operator, banned carol`.

The letters are those that servers agree on (Modern IRC, "Modes"; ours besides). What is not among them is told as a
letter.
"""

from collections.abc import Sequence
from typing import Final

from securechat.client.safe import safe_name, safe_text
from securechat.irc.modes import ModeChange

_WITH_PARAMETER: Final = {
    "+q": "made {who} an owner",
    "-q": "took owner status from {who}",
    "+a": "made {who} an administrator",
    "-a": "took administrator status from {who}",
    "+o": "made {who} an operator",
    "-o": "took operator status from {who}",
    "+h": "made {who} a half-operator",
    "-h": "took half-operator status from {who}",
    "+v": "gave {who} a voice",
    "-v": "took the voice of {who}",
    "+b": "{banned} {whom}",
    "-b": "lifted the {ban} on {whom}",
    "+e": "excepted {whom} from bans",
    "-e": "excepts {whom} from bans no more",
    "+I": "lets {whom} in without an invitation",
    "-I": "lets {whom} in by invitation only",
    "+k": "set the key {text}",
    "-k": "removed the key",
    "+l": "set a limit of {text} people",
}
"""A sign and a letter with its parameter: what somebody did who set it."""

_CHANNEL: Final = {
    "i": ("people come in by invitation only", "people come in without an invitation"),
    "m": ("only those with a voice speak", "all members speak"),
    "n": ("only members speak", "others speak, too"),
    "s": ("secret", "not secret"),
    "t": ("only operators set the topic", "all members set the topic"),
    "C": ("no CTCP", "CTCP is allowed"),
    "M": ("only those with an account or a voice speak", "those without an account speak, too"),
    "R": ("only those with an account come in", "those without an account come in, too"),
}
"""Letters without a parameter: what holds when they are set, and when they are not."""

_PERSONAL: Final = {
    "B": "a bot",
    "R": "private messages only from those with an account",
    "i": "invisible to those who share no channel",
    "o": "operator of the server",
    "w": "hears wallops",
}


def deeds(changes: Sequence[ModeChange]) -> str:
    """What somebody did who changed the modes of a channel: `made bob an operator, set +s (secret)`."""
    return ", ".join(map(_deed, changes))


def channel_modes(letters: str) -> str:
    """What modes without a parameter mean, as far as it is known: `only members speak; secret`; perhaps empty."""
    return "; ".join(_CHANNEL[letter][0] for letter in letters if letter in _CHANNEL)


def personal_modes(letters: str) -> str:
    """What the modes of a person mean, as far as it is known; perhaps empty."""
    return "; ".join(_PERSONAL[letter] for letter in letters if letter in _PERSONAL)


def whom(mask: str) -> str:
    """Whom a mask means, safe to be printed: `bob`, `the account bob`, or the mask itself."""
    rest = mask.removeprefix("~m:")
    if rest.startswith("~a:"):
        return f"the account {safe_name(rest[3:])}"
    nick = rest.removesuffix("!*@*")
    if nick not in (rest, "") and not set(nick) & set("!@*?"):
        return safe_name(nick)
    return safe_text(rest)


def _deed(change: ModeChange) -> str:
    sign = "+" if change.adding else "-"
    form = _WITH_PARAMETER.get(sign + change.letter)
    parameter = change.parameter
    if form is not None and parameter is not None:
        mute = parameter.startswith("~m:")
        return form.format(
            who=safe_name(parameter),
            whom=whom(parameter),
            text=safe_text(parameter),
            banned="muted" if mute else "banned",
            ban="mute" if mute else "ban",
        )
    if change.letter == "l" and not change.adding:
        return "removed the limit"
    if change.letter == "k" and not change.adding:
        return "removed the key"
    told = f"set {sign}{safe_text(change.letter)}"
    if parameter is not None:
        return f"{told} {safe_text(parameter)}"
    words = _CHANNEL.get(change.letter)
    return f"{told} ({words[0 if change.adding else 1]})" if words else told
