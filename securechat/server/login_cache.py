"""Logins that were verified a short while ago, so that who comes back after a network fault costs no hash.

Ten thousand clients that come back at once would cost ten thousand Argon2 hashes, which are made to be dear. So what
was right is remembered in memory, never as the password: what is kept is a keyed hash (BLAKE2b, RFC 7693) over account,
the stamp of its password, and the password, under a key that is drawn when the process starts and is never written
anywhere. Only the right password is found here; a wrong one costs a real hash, as it always does.

A login is remembered while a connection lasts that was made with it, and ``seconds`` longer. When the password is set
anew, or the account disabled or removed, what there is of it is dropped; and what could be left would not fit any more,
since the password's stamp is part of it and accounts are looked at whatever is found here.

Who can read the memory of the process can try passwords on what is in here, far faster than on the hashes on the disk;
but there each password also comes by as it is, whenever somebody logs in with it. 0 seconds turn it off.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from typing import Final

from securechat.chat.model import Account
from securechat.store.passwords import PasswordRefusedError, prepare

__all__ = ["LoginCache", "Remembered"]

REMEMBERED: Final = 10_000
"""Logins at a time; of more the longest unused is forgotten."""


class Remembered:
    """A login that is remembered: `LoginCache` knows what it is. Whoever holds one gives it back with `release`."""

    __slots__ = ("account_id", "key", "released", "users")

    def __init__(self, key: bytes, account_id: int) -> None:
        self.key = key
        self.account_id = account_id
        self.users = 0  # connections that were made with it
        self.released = 0.0  # when the last of them ended


class LoginCache:
    """Any thread may use it. ``now``: seconds on a clock that never goes back."""

    def __init__(self, seconds: float, *, remembered: int = REMEMBERED) -> None:
        self._seconds = seconds
        self._most = remembered
        self._secret = secrets.token_bytes(32)
        # Guards what follows. No other lock is taken inside it, and no password looked at.
        self._lock = threading.Lock()
        # Both by key, and in the order in which they came to be so: what is in use, and what is not any more.
        self._used: OrderedDict[bytes, Remembered] = OrderedDict()
        self._unused: OrderedDict[bytes, Remembered] = OrderedDict()
        self._of_account: dict[int, set[bytes]] = {}

    def __len__(self) -> int:
        return len(self._used) + len(self._unused)

    def change(self, seconds: float) -> None:
        """Remember logins for so long from now on, those that are remembered already too."""
        with self._lock:
            self._seconds = seconds
            if not seconds:
                for logins in (self._used, self._unused, self._of_account):
                    logins.clear()

    def recall(self, account: Account | None, password: str, now: float) -> Remembered | None:
        """The login with this password, if it is remembered: then it was right, and is in use until `release`.

        ``None`` as the account: a name that does not exist, of which nothing is remembered, and that takes as long.
        """
        key = self._key(account, password)
        with self._lock:
            self._forget_old(now)
            return self._use(key)

    def remember(self, account: Account, password: str) -> Remembered | None:
        """A login that was right just now; it is in use until `release`. ``None``: none are remembered."""
        key = self._key(account, password)
        with self._lock:
            if not self._seconds:
                return None
            login = self._use(key)
            if login is None:
                if len(self) >= self._most:
                    self._drop(next(iter((self._unused or self._used).values())))
                login = self._used[key] = Remembered(key, account.id)
                login.users = 1
                self._of_account.setdefault(account.id, set()).add(key)
            return login

    def release(self, login: Remembered, now: float) -> None:
        """A connection that was made with it has ended, or is somebody else's now."""
        with self._lock:
            login.users -= 1
            if not login.users and self._used.get(login.key) is login:
                login.released = now
                self._unused[login.key] = self._used.pop(login.key)
            self._forget_old(now)

    def forget(self, account_id: int) -> None:
        """Whatever is remembered of an account does not count any more."""
        with self._lock:
            for key in self._of_account.pop(account_id, ()):
                self._used.pop(key, None)
                self._unused.pop(key, None)

    def _use(self, key: bytes) -> Remembered | None:
        login = self._used.get(key)
        if login is None:
            login = self._unused.pop(key, None)
            if login is None:
                return None
        self._used[key] = login
        self._used.move_to_end(key)
        login.users += 1
        return login

    def _forget_old(self, now: float) -> None:
        while self._unused:
            login = next(iter(self._unused.values()))
            if now - login.released <= self._seconds:
                return
            self._drop(login)

    def _drop(self, login: Remembered) -> None:
        self._used.pop(login.key, None)
        self._unused.pop(login.key, None)
        keys = self._of_account[login.account_id]
        keys.discard(login.key)
        if not keys:
            del self._of_account[login.account_id]

    def _key(self, account: Account | None, password: str) -> bytes:
        """Of fixed lengths and order, so that no two logins have the same."""
        try:
            material = prepare(password)
        except PasswordRefusedError:
            return b""  # no password of anybody
        id, changed = (account.id, account.credential_set) if account is not None else (0, 0)
        keyed = hashlib.blake2b(key=self._secret, digest_size=32)
        keyed.update(id.to_bytes(8, "big") + changed.to_bytes(8, "big") + material)
        return keyed.digest()
