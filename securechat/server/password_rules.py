"""What can be a password from now on: the one place that says so, to whoever sets one by whatever way.

Passwords that were set before stay good, whatever the rules were then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from securechat.irc.standard_replies import Code
from securechat.server.common_passwords import COMMON_PASSWORDS
from securechat.store.passwords import PasswordRefusedError, prepare

__all__ = ["Objection", "objection_to"]

_PUT_BEHIND: Final = ("", "!", "0123456789!")
"""What is put behind a word where a password of nothing but letters is not taken: a bad one stays one."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why something can't be a password: ``code`` for programs, as REGISTER and PASSWD have it, and a sentence without
    its full stop for people, in which nothing of the password is."""

    code: Code
    sentence: str


def objection_to(password: str, account: str, least: int) -> Objection | None:
    """What is wrong with a new password; ``None``: nothing.

    ``account``: the name of the account that it is to be for, empty where that is not known. ``least``: characters that
    it must have (``[limits] min_password_length``), counted in the form in which it is hashed (RFC 8265).
    """
    try:
        prepared = prepare(password).decode() if password else ""
    except PasswordRefusedError as error:
        sentence = str(error)
        return Objection(Code.UNACCEPTABLE_PASSWORD, sentence[0].upper() + sentence[1:])
    if len(prepared) < least:
        return _weak(f"The password is too short: it needs at least {least} characters")
    folded = prepared.casefold()
    forms = {folded.rstrip(behind) for behind in _PUT_BEHIND}
    if account and account.casefold() in forms:
        return _weak("The password is the name of the account, or little more")
    if not COMMON_PASSWORDS.isdisjoint(forms):
        return _weak("The password is one of those that are tried first: take one that nobody else thinks of")
    return None


def _weak(sentence: str) -> Objection:
    return Objection(Code.WEAK_PASSWORD, sentence)
