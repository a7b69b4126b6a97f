"""Where the password comes from: a file, the environment, or the person at the terminal."""

import getpass
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from securechat.client.errors import MistakeError
from securechat.client.safe import safe_name

VARIABLE: Final = "SECURECHAT_PASSWORD"

_LONGEST: Final = 4096  # bytes of the file that are looked at: no password is longer


def find_password(user: str, file: Path | None, *, may_ask: bool, warn: Callable[[str], None]) -> str:
    """The password: the first line of `file`, else `SECURECHAT_PASSWORD`, else what `user` types if one `may_ask`.

    `warn(sentence)` is called when others can read the file. Raises `MistakeError` where there is none, or none that
    can be sent; `KeyboardInterrupt` where somebody would rather not.
    """
    if file is not None:
        password, where = _read(file, warn), f"the first line of {file}"
    elif password := os.environ.get(VARIABLE, ""):
        where = VARIABLE
    elif may_ask:
        password, where = _ask(user), "the password"
    else:
        raise MistakeError(
            f"there is no terminal to ask for the password on: name a file that holds it with --password-file, "
            f"or set {VARIABLE}"
        )
    if not password:
        raise MistakeError(f"{where} is empty")
    if "\0" in password or any("\ud800" <= character <= "\udfff" for character in password):
        raise MistakeError(f"{where} has something in it that no password can have (NUL, or bytes that are not UTF-8)")
    return password


def _read(file: Path, warn: Callable[[str], None]) -> str:
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            line = opened.readline(_LONGEST)
    except OSError as error:
        raise MistakeError(f"the password file {file} can't be read ({error.strerror})") from error
    if os.name == "posix" and stat.S_ISREG(mode) and mode & (stat.S_IRGRP | stat.S_IROTH):
        warn(f"others on this machine can read {file}: chmod 600 it, and choose a new password")
    text = line.rstrip(b"\r\n")
    try:
        return text.decode()
    except UnicodeDecodeError:
        pass  # that exception carries the text, so ours is not chained to it
    raise MistakeError(f"the first line of {file} is not UTF-8")


def _ask(user: str) -> str:
    try:
        return getpass.getpass(f"Password for {safe_name(user)}: ")
    except EOFError:
        raise MistakeError("no password was given") from None
