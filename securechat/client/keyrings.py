"""Passwords in the system's keyring, for who asks for it: `keyring`, an extra, speaks with whatever the system has.

Everything that goes wrong with it is a `KeyringError` with one sentence. No exception of the library's is chained to
that, since nobody knows what it holds.
"""

import importlib
from typing import Any, Final

from securechat.client.errors import MistakeError
from securechat.client.servers import SavedServer
from securechat.irc.names import casefold

SERVICE: Final = "securechat"
"""What the entries are called in the keyring."""

_NO_KEYRING: Final = ("keyring.backends.fail", "keyring.backends.null")  # the library's way to say that there is none


class KeyringError(MistakeError):
    """There is no keyring, or it does not do what it is asked."""


def require() -> None:
    """Raise `KeyringError` where there is no keyring that could keep anything."""
    module = type(_do("open", "get_keyring")).__module__
    if module in _NO_KEYRING:
        raise KeyringError("this system has no keyring that could keep the password")


def remember(server: SavedServer, password: str) -> None:
    """Keep the password of an account."""
    require()
    _do("keep the password", "set_password", SERVICE, _entry(server), password)


def recall(server: SavedServer) -> str | None:
    """The password of an account; None: the keyring has none."""
    require()
    found = _do("give the password", "get_password", SERVICE, _entry(server))
    return found if isinstance(found, str) and found else None


def forget(server: SavedServer) -> None:
    """Have the keyring forget a password, if it has it."""
    if recall(server) is not None:
        _do("forget the password", "delete_password", SERVICE, _entry(server))


def _entry(server: SavedServer) -> str:
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"{casefold(server.user)}@{host}:{server.port}"


def _library() -> Any:
    try:
        return importlib.import_module("keyring")
    except ImportError:
        pass
    raise KeyringError("the password can't be kept: that takes the extra `keyring` (pip install 'securechat[keyring]')")


def _do(what: str, function: str, *arguments: str) -> Any:
    library = _library()
    try:
        return getattr(library, function)(*arguments)
    except Exception as error:  # backends raise what their systems raise
        name = type(error).__name__
    raise KeyringError(f"the system's keyring does not {what} ({name})")
