"""Changing one's own password (`PASSWD`, ours), from inside the chat and beside it."""

from typing import Final

from securechat.client.connection import Client
from securechat.client.enrolling import in_pieces
from securechat.client.errors import LoginRefusedError, MistakeError, NotAcknowledgedError
from securechat.client.requests import Refusal, Request
from securechat.client.safe import safe_text

OLD_QUESTION: Final = "Your password until now: "
NEW_QUESTIONS: Final = ("Your new password: ", "The same again: ")
"""How one asks for a new one, which nobody sees."""


def new_password(new: str, again: str) -> str:
    """The new password, typed twice. Raises `MistakeError` for one that can't be; the server says if it is good."""
    if new != again:
        raise MistakeError("the two new passwords are not the same: nothing was changed")
    if not new:
        raise MistakeError("the new password is empty: nothing was changed")
    return new


def require_both(old: str, new: str) -> bytes:
    """The two in the form in which they are sent. Raises `MistakeError` where one of them can't be a password."""
    if not old:
        raise MistakeError("the old password is empty: nothing was changed")
    if any(character in old + new for character in "\0\r\n"):
        raise MistakeError("a password has one line, and no NUL: nothing was changed")
    try:
        return f"{old}\0{new}".encode()
    except UnicodeEncodeError:
        pass  # that exception has them in it, so ours is raised outside, where it is not chained to it
    raise MistakeError("the password has something in it that is no text: nothing was changed")


def change(client: Client, old: str, new: str) -> Request:
    """Ask the server to change the password of the account that `client` is logged in to.

    Both go in pieces, for a password may hold spaces and be longer than a line. The answer tells of none of them.

    Raises:
        MistakeError: one of them can't be a password.
        ConnectionLostError: the connection has ended.
    """
    return in_pieces(client, "PASSWD", thing=require_both(old, new))


def why_not(refusal: Refusal) -> LoginRefusedError | MistakeError | NotAcknowledgedError:
    """The error for a `change` that the server has refused: the old password, the new one, or something else."""
    sentence = safe_text(refusal.text) or "the server did not change the password, and does not say why"
    if refusal.code == "INVALID_CREDENTIALS":
        return LoginRefusedError(sentence)
    return MistakeError(sentence) if refusal.code in _ANOTHER_MAY_DO else NotAcknowledgedError(sentence)


_ANOTHER_MAY_DO: Final = ("UNACCEPTABLE_PASSWORD", "WEAK_PASSWORD")
