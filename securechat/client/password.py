"""Where the password comes from: a file, the environment, the system's keyring, or the person at the terminal."""

import contextlib
import getpass
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from securechat.client.errors import MistakeError
from securechat.client.safe import safe_name

VARIABLE: Final = "SECURECHAT_PASSWORD"

_LONGEST: Final = 4096  # bytes of the file that are looked at: no password is longer

ENDINGS: Final = tuple(number for number in signal.Signals if number.name in ("SIGTERM", "SIGHUP"))
"""The signals that tell a program to end without a word from whoever types. Windows has but one of them."""

Kept = Callable[[], str | None]
"""Gives the password that the system's keyring has, or None."""


def find_password(
    user: str, file: Path | None, *, may_ask: bool, warn: Callable[[str], None], kept: Kept | None = None
) -> str:
    """The password that is `given_password`, else what `user` types if one `may_ask`.

    Raises `MistakeError` where there is none, or none that can be sent; `KeyboardInterrupt` where somebody would rather
    not.
    """
    if (given := given_password(file, warn=warn, kept=kept)) is not None:
        return given
    return ask_password(user, may_ask=may_ask)


def ask_password(user: str, *, may_ask: bool) -> str:
    """What `user` types if one `may_ask`. Raises as `find_password`."""
    if may_ask:
        return _checked(_ask(f"Password for {safe_name(user)}: "), "the password")
    raise _no_terminal()


def given_password(file: Path | None, *, warn: Callable[[str], None], kept: Kept | None = None) -> str | None:
    """The first line of `file`, else `SECURECHAT_PASSWORD`, else what is `kept`; None where there is none of these.

    `warn(sentence)` is called when others can read the file. Raises `MistakeError` for one that can't be sent.
    """
    if file is not None:
        return _checked(_read(file, warn), f"the first line of {file}")
    if password := os.environ.get(VARIABLE, ""):
        return _checked(password, VARIABLE)
    return kept() if kept is not None else None


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """Who is told to end meanwhile, and would end at once, leaves the terminal as it was: showing what is typed."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    mine = ENDINGS if threading.current_thread() is threading.main_thread() else ()
    changed = [number for number in mine if signal.getsignal(number) is signal.SIG_DFL]
    for number in changed:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)


def hidden_line(question: str) -> str:
    """What somebody types at the terminal, without its being shown. Raises `EOFError`, `KeyboardInterrupt`."""
    try:
        with _told_to_end():
            return getpass.getpass(question)
    except (EOFError, KeyboardInterrupt):
        if sys.stderr is not None:  # the line with the question is not ended: what comes next would stand behind it
            print(file=sys.stderr, flush=True)
        raise


def ask_new_password(user: str, *, may_ask: bool, tell: Callable[[str], None]) -> str:
    """What somebody types twice, as often as it takes until both are the same, and can be a password.

    Raises `MistakeError` where there is nobody to ask, or nothing comes; `KeyboardInterrupt`.
    """
    if not may_ask:
        raise _no_terminal()
    while True:
        try:
            password = _checked(_ask(f"New password for {safe_name(user)}: "), "the password")
        except BadPasswordError as error:
            tell(str(error))
            continue
        if _ask("The same again: ") == password:
            return password
        tell("the two passwords are not the same; once more")


class BadPasswordError(MistakeError):
    """Nothing was typed, or something that can't be a password."""


def _checked(password: str, where: str) -> str:
    if not password:
        raise BadPasswordError(f"{where} is empty")
    if "\0" in password or any("\ud800" <= character <= "\udfff" for character in password):
        raise BadPasswordError(
            f"{where} has something in it that no password can have (NUL, or bytes that are not UTF-8)"
        )
    return password


def _no_terminal() -> MistakeError:
    return MistakeError(
        "the input is no terminal, so the password is not asked for: name a file that holds it with --password-file, "
        f"or set {VARIABLE}"
    )


def others_can_read(file: Path) -> bool:
    """Whether others than its owner can read a file with a secret in it."""
    if os.name != "posix":
        return False
    try:
        mode = file.stat().st_mode
    except OSError:
        return False  # whoever reads it says so
    return stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))


def _read(file: Path, warn: Callable[[str], None]) -> str:
    try:
        with file.open("rb") as opened:
            line = opened.readline(_LONGEST)
    except OSError as error:
        raise MistakeError(f"the password file {file} can't be read ({error.strerror})") from error
    if others_can_read(file):
        warn(f"others on this machine can read {file}: chmod 600 it, and choose a new password")
    text = line.rstrip(b"\r\n")
    try:
        return text.decode()
    except UnicodeDecodeError:
        pass  # that exception carries the text, so ours is not chained to it
    raise MistakeError(f"the first line of {file} is not UTF-8")


def _ask(question: str) -> str:
    try:
        return hidden_line(question)
    except EOFError:
        raise MistakeError("no password was given") from None
    except UnicodeDecodeError:
        pass  # that exception has in it what was typed
    raise MistakeError("what was typed is not UTF-8")
