"""Password hashes: Argon2id (RFC 9106) in PHC form, made and checked a bounded number at a time.

The parameters stand in each hash, so that they can be raised: `Hasher.needs_rehash` tells which hashes are older than
the operator's choice. There is always one lane. More lanes make one hash faster on several cores, which a server that
checks many passwords at once does not need; and with two or more, two threads that hash at once hang for ever in
``cryptography`` 50.0, so that a hash with more of them is not even looked at.

::

    PasswordRefusedError (a ValueError)   somebody chose a password that can't be one
    BrokenHashError                       what lies in the store is no hash of ours
    HasherClosed                          the server is going down (see `gate`)

``str()`` of each is a sentence without the full stop, and never holds a password or a hash.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import unicodedata
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from securechat.store.gate import Gate, HasherClosed, Waiter

__all__ = [
    "BrokenHashError",
    "Hasher",
    "HasherClosed",
    "Parameters",
    "PasswordRefusedError",
    "check_hash",
    "prepare",
]

MAX_PASSWORD: Final = 1024
"""In bytes of UTF-8."""

_SALT: Final = 16  # bytes, as RFC 9106 section 3.1 recommends
_KEY: Final = 32  # bytes
_LANES: Final = 1

# What a store may ask of us, whatever happened to it: a broken row must not take all memory, or a core for an hour.
_MAX_MEMORY: Final = 1024 * 1024  # KiB
_MAX_PASSES: Final = 100

# The PHC string format with the parameters that Argon2 writes, in its order. No leading zeros, no padding.
_PHC: Final = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,9}),p=([1-9][0-9]{0,9})"
    r"\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)


class PasswordRefusedError(ValueError):
    """It is empty, too long, or holds characters that no keyboard sends twice in the same way."""


class BrokenHashError(Exception):
    """Not a PHC string of Argon2id, or one with parameters that we never write. Our store's fault, not the peer's."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What one hash costs. The default takes 30 to 50 ms of one core; OWASP's Password Storage Cheat Sheet has it too.

    Raises:
        ValueError: outside 8 KiB to 1 GiB, or 1 to 100 passes.
    """

    memory: int = 19 * 1024
    """In KiB."""
    passes: int = 2

    def __post_init__(self) -> None:
        if not 8 * _LANES <= self.memory <= _MAX_MEMORY:
            raise ValueError(f"Argon2id takes 8 to {_MAX_MEMORY:,} KiB of memory here, not {self.memory:,}")
        if not 1 <= self.passes <= _MAX_PASSES:
            raise ValueError(f"Argon2id makes 1 to {_MAX_PASSES} passes here, not {self.passes:,}")


DEFAULT: Final = Parameters()


def prepare(password: str) -> bytes:
    """The bytes that stand for a password: RFC 8265 section 4.2 (OpaqueString), in UTF-8.

    Every kind of space becomes U+0020 and the whole is put into NFC, since one keyboard sends ``é`` as one character
    and another as two; case and width stay. Refused are control characters, lone surrogates, and what this Python's
    Unicode does not know yet, for which normalisation may change. One thing is laxer than the RFC: joiners are allowed
    wherever they stand, because emoji have them.

    Raises:
        PasswordRefusedError: it is empty, over 1,024 bytes, or holds such characters.
    """
    # In characters first, so that nobody has us normalise a megabyte; no character takes less than a byte.
    if not password or len(password) > MAX_PASSWORD:
        raise PasswordRefusedError(f"a password has 1 to {MAX_PASSWORD:,} bytes")
    categories = [unicodedata.category(character) for character in password]
    if not {"Cc", "Cs", "Cn"}.isdisjoint(categories):
        raise PasswordRefusedError("a password can't hold control characters, or characters that Unicode does not have")
    spaced = "".join(
        " " if category == "Zs" else character for character, category in zip(password, categories, strict=True)
    )
    prepared = unicodedata.normalize("NFC", spaced).encode()
    if len(prepared) > MAX_PASSWORD:
        raise PasswordRefusedError(f"a password has 1 to {MAX_PASSWORD:,} bytes")
    return prepared


def check_hash(phc: str) -> None:
    """Look whether a string is a hash that `Hasher.verify` can check passwords against.

    Raises:
        BrokenHashError: it is not.
    """
    _read(phc)


class Hasher:
    """Makes and checks hashes, at most ``at_once`` at a time (by default as many as there are cores).

    That bounds the memory that logins can take (``at_once`` times ``parameters.memory``). Use it from any thread, and
    never while holding a lock that others want: `hash` and `verify` wait for a turn and then take as long as a hash
    takes. Who wants to wait in another way, or to do more in one turn, takes the `turn` and calls `hash_in_turn` and
    `verify_in_turn` inside it.
    """

    def __init__(self, parameters: Parameters = DEFAULT, at_once: int | None = None) -> None:
        self._parameters = parameters
        self._gate = Gate(at_once if at_once is not None else os.cpu_count() or 1)
        # A hash of nothing at all: its key is drawn by lot, so that no password leads to it.
        salt, key = (_unpadded(secrets.token_bytes(size)) for size in (_SALT, _KEY))
        self._nobody = f"$argon2id$v=19$m={parameters.memory},t={parameters.passes},p={_LANES}${salt}${key}"

    def turn(self, waiter: Waiter | None = None, origin: str = "") -> AbstractContextManager[None]:
        """A turn at the hashes, which is waited for where it is entered; see `Gate.turn`. Raises `HasherClosed`."""
        return self._gate.turn(waiter, origin)

    def waiting(self) -> int:
        """How many wait for a turn."""
        return self._gate.waiting()

    def hash(self, password: str) -> str:
        """A fresh PHC string for ``password``, with a salt of its own.

        Raises:
            PasswordRefusedError: it can't be a password (see `prepare`).
            HasherClosed: the server is going down.
        """
        prepare(password)  # what is refused is refused at once
        with self.turn():
            return self.hash_in_turn(password)

    def hash_in_turn(self, password: str) -> str:
        """The same for somebody who has a turn. Raises `PasswordRefusedError`."""
        argon = Argon2id(
            salt=secrets.token_bytes(_SALT),
            length=_KEY,
            iterations=self._parameters.passes,
            lanes=_LANES,
            memory_cost=self._parameters.memory,
        )
        return argon.derive_phc_encoded(prepare(password))

    def verify(self, password: str, phc: str | None) -> bool:
        """Whether ``password`` is the one of which ``phc`` is the hash.

        ``None`` stands for a name that does not exist. It takes as long as a hash with the present parameters, so that
        the time tells nobody which names do, and the answer is False. What can't be a password is never the right one.

        Raises:
            BrokenHashError: ``phc`` is no hash of ours.
            HasherClosed: the server is going down.
        """
        with self.turn():
            return self.verify_in_turn(password, phc)

    def verify_in_turn(self, password: str, phc: str | None) -> bool:
        """The same for somebody who has a turn. Raises `BrokenHashError`."""
        if phc is not None:
            _read(phc)
        try:
            material = prepare(password)
        except PasswordRefusedError:
            return False  # for every name alike
        try:
            Argon2id.verify_phc_encoded(material, self._nobody if phc is None else phc)
        except InvalidKey:
            return False
        return phc is not None

    def needs_rehash(self, phc: str) -> bool:
        """Whether a hash was made with other parameters than those of today. Hash anew when its password is at hand.

        Raises:
            BrokenHashError: ``phc`` is no hash of ours.
        """
        return _read(phc) != (self._parameters, _SALT, _KEY)

    def close(self) -> None:
        """Let nobody in any more, and send those home who wait: they get `HasherClosed`. For the end of the server."""
        self._gate.close()


def _read(phc: str) -> tuple[Parameters, int, int]:
    """The parameters of a hash, and the lengths in bytes of its salt and key; else BrokenHashError.

    The library says the same of a hash that it can't read as of a wrong password, and takes all parameters that it
    finds.
    """
    found = _PHC.fullmatch(phc)
    if found is not None and int(found[3]) == _LANES:
        try:
            return Parameters(int(found[1]), int(found[2])), _decoded_length(found[4]), _decoded_length(found[5])
        except ValueError:
            pass  # It may carry a part of the hash, so ours is raised outside, where it is not chained to that one.
    raise BrokenHashError("a password's hash in the store is broken: give that account a new password")


def _unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii").rstrip("=")


def _decoded_length(text: str) -> int:
    """How many bytes a field of Base64 without padding holds; ValueError if it is not the one way to write them."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError("not Base64") from None
    if _unpadded(data) != text:
        raise ValueError("bits left over")
    return len(data)
