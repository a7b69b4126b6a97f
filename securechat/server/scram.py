"""What the server keeps of passwords for SCRAM-SHA-256, and what it says of names that have none.

Beside the Argon2id hash of an account stands a *verifier*, in the form of RFC 5803::

    SCRAM-SHA-256$600000:<salt>$<StoredKey>:<ServerKey>        (all three in Base64)

Whoever steals it can try passwords against it, faster than against the other: so it is made only where the operator
wants it (``[accounts] scram``), for passwords that are set from then on. The first answer of an exchange shows salt and
rounds to everybody who asks. Names that do not exist, or have no verifier, get one that is made up from a secret of
this server: it stays the same, and no password leads to it.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Final

from securechat.chat.model import Account
from securechat.irc.names import casefold
from securechat.server.scram_exchange import NAME, Keys, available, keys_of

__all__ = ["ROUNDS", "Scram", "available", "read", "write"]

ROUNDS: Final = 600_000
"""Of PBKDF2-HMAC-SHA-256: what OWASP's Password Storage Cheat Sheet asks for."""

_SALT: Final = 16  # bytes
_KEY: Final = 32  # bytes

_TEXT: Final = re.compile(
    rf"{NAME}\$([1-9][0-9]{{3,7}}):([A-Za-z0-9+/]{{16,88}}={{0,2}})\$([A-Za-z0-9+/]{{43}}=):([A-Za-z0-9+/]{{43}}=)"
)


class Scram:
    """Makes verifiers, and finds them. Any thread may use it.

    ``secret``: of this server, the same after a restart. ``on_error``: told of verifiers that are broken in the store.
    """

    def __init__(self, secret: bytes, on_error: Callable[[str, BaseException], None], *, enabled: bool) -> None:
        self.enabled = enabled
        """May be changed at any time; only where scramp is installed."""
        # Its own key, so that what is shown to everybody says nothing of what else the secret is used for.
        self._secret = hmac.digest(secret, b"securechat: SCRAM of nobody", "sha256")
        self._on_error = on_error
        self._sample = write(self._make_up(""))

    def make(self, password: str) -> str:
        """The verifier of a password that is set, ``""`` where there is to be none. Call it in a turn at the hashes."""
        if not self.enabled:
            return ""
        keys = keys_of(password, secrets.token_bytes(_SALT), ROUNDS)
        return "" if keys is None else write(keys)

    def find(self, name: str, account: Account | None) -> Keys:
        """What there is of an account, or is made up for a name. The same is done whether there is one or not, so that
        it takes the same time."""
        made_up = self._make_up(casefold(name))
        verifier = account.scram if account is not None else ""
        try:
            keys = read(verifier or self._sample)
        except ValueError as error:
            self._on_error("an account's SCRAM verifier is broken", error)
            return made_up
        return keys if verifier else made_up

    def _make_up(self, name: str) -> Keys:
        salt, stored_key, server_key = (
            hmac.digest(self._secret, b"%d %b" % (part, name.encode()), "sha256") for part in range(3)
        )
        return salt[:_SALT], stored_key, server_key, ROUNDS


def write(keys: Keys) -> str:
    """The text form (RFC 5803)."""
    salt, stored_key, server_key = (base64.b64encode(key).decode() for key in keys[:3])
    return f"{NAME}${keys[3]}:{salt}${stored_key}:{server_key}"


def read(text: str) -> Keys:
    """What a text form says. Raises ``ValueError``, which does not quote it."""
    found = _TEXT.fullmatch(text)
    if found is not None:
        try:
            salt, stored_key, server_key = (base64.b64decode(part, validate=True) for part in found.group(2, 3, 4))
        except ValueError:
            pass
        else:
            if len(salt) >= 12 and len(stored_key) == len(server_key) == _KEY and 4096 <= int(found[1]) <= 10_000_000:
                return salt, stored_key, server_key, int(found[1])
    raise ValueError("not a verifier of SCRAM-SHA-256 as we write it")
