"""Masks of ban lists: what somebody typed made whole, and whom a mask matches.

A mask is `nick!user@host` with `*` and `?`. Extended ones begin with `~` (Modern IRC, "EXTBAN"):

- `~a:name`, or `~account:name`, matches whoever is logged in as `name`, which may have wildcards (IRCv3 Account
  Extended Ban: "Servers MAY support matching account masks").
- `~m:mask`, or `~mute:mask`, is for those who may be here and not speak; its mask is any of the others.
"""

import re
from dataclasses import dataclass, field
from typing import Self

from securechat.irc.names import Mask

EXTBAN = "~,am"
"""The value of the ISUPPORT token."""

ACCOUNTEXTBAN = "a,account"
"""The value of the ISUPPORT token: the names of the extended ban for accounts."""

MAX_MASK = 200
"""Bytes of a completed mask."""

_ACCOUNT = "~a:"
_MUTE = "~m:"
_EXTENDED = re.compile(r"~([A-Za-z]+):(.*)")
_PREFIXES = {"a": _ACCOUNT, "account": _ACCOUNT, "m": _MUTE, "mute": _MUTE}

_ACCOUNT_MASK = re.compile(r"[A-Za-z0-9_\[\]\\^{}|`*?-]+")  # what names may have, and the wildcards
_UNFIT = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # spaces of any kind, controls, surrogates
_STARS = re.compile(r"\\[*?]|\*+")  # the first so that an escaped star is not taken for one of a run


def complete_mask(text: str) -> str | None:
    """The whole mask that `text` means, or None if it means none.

    `nick` is `nick!*@*`, `user@host` is `*!user@host`, `nick!user` is `nick!user@*`; without `!` and `@`, something
    with a dot, a colon or a slash is a host. A part that is empty is `*`, and several `*` in a row are one. An extended
    mask gets the short form of its name, and its mask is completed. What is complete comes back as it is.

    None for what is empty or longer than `MAX_MASK` when completed; for spaces and control characters; for extended
    masks with an unknown name, with nothing behind it, with an account that nobody could have, or one mute in another.
    """
    if not text or _UNFIT.search(text):
        return None
    prefix, rest = _split(text)
    before = ""
    if prefix == _MUTE:
        before = prefix
        prefix, rest = _split(rest)
    if prefix is None:
        mask = _complete_plain(rest)
    else:
        mask = prefix + rest if prefix == _ACCOUNT and _ACCOUNT_MASK.fullmatch(rest) else None
    if mask is None:
        return None
    whole = before + _STARS.sub(lambda run: "*" if run[0][0] == "*" else run[0], mask)
    return whole if len(whole.encode()) <= MAX_MASK else None


def _split(text: str) -> tuple[str | None, str]:
    """The prefix of an extended mask, in its short form, and what stands behind it.

    The prefix is None for a plain mask, and `""` for an extended one that is not among ours.
    """
    if found := _EXTENDED.fullmatch(text):
        return _PREFIXES.get(found[1], ""), found[2]
    return None, text


def _complete_plain(text: str) -> str | None:
    if not text or (text[0] == "~" and "@" not in text):  # is half an extended mask, and no nick begins like this
        return None
    rest, at, host = text.rpartition("@")
    nick, mark, user = (rest if at else host).partition("!")
    if at and not mark:
        nick, user = "", nick
    elif not at:
        host = ""
        if not mark and any(character in nick for character in ".:/"):  # which no nick has
            nick, host = "", nick
    if nick.startswith(("~", ":")):  # would be read as an extended mask, or as the last parameter
        return None
    return f"{nick or '*'}!{user or '*'}@{host or '*'}"


@dataclass(frozen=True, slots=True)
class BanMask:
    """A completed mask that is ready to match.

    `text`: as it is shown. `mute`: it forbids to speak and nothing else. `by_account`: it looks at accounts.
    """

    text: str
    mute: bool
    by_account: bool
    mask: Mask = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The mask in what `complete_mask` gave. Never fails: anything else matches itself at most."""
        rest = text.removeprefix(_MUTE)
        mask = rest.removeprefix(_ACCOUNT)
        return cls(text, rest != text, mask != rest, Mask(mask))

    def matches(self, source: str, account: str | None) -> bool:
        """Whether it is about somebody: `source` is their `nick!user@host`, `account` is None for who has none.

        Case counts as little as in names. Who has no account is matched by no mask of accounts, not even by `*`.
        """
        if self.by_account:
            return account is not None and self.mask.match(account)
        return self.mask.match(source)
