"""Makes a small store with something of everything, by whatever version of securechat is imported.

So that each released schema has a file here, which ``tests/store/test_migrations.py`` opens. How one is made of the
version of a commit, which is done once, before the next version::

    git archive COMMIT | tar x -C /tmp/old
    PYTHONPATH=/tmp/old python tests/data/make.py tests/data/schema-N.db

It uses only what all versions from 2 on have; what came later is asked for by the schema's number. (``schema-1.db`` is
older than this.) The clock is made up: a request each minute from 2026-11-01, 12:00 UTC.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import sqlite3
import sys
from pathlib import Path
from typing import Any

import securechat.chat.requests as asked
from securechat.chat.machine import Applied
from securechat.chat.model import BanKind, Role, Rules
from securechat.irc.modes import ModeChange
from securechat.store.clock import Stamps
from securechat.store.database import Database
from securechat.store.journal import Journal
from securechat.store.passwords import Hasher, Parameters
from securechat.store.schema import VERSION

ANN, BOB, EVE, GUEST, PHONE = range(1, 6)
START_NS = 1_793_534_400_000_000_000  # 2026-11-01T12:00:00Z


class Store:
    """A store with a journal on it, and nobody who is told anything."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.chat, last = self.database.load()
        minutes = itertools.count()
        stamps = Stamps(last, lambda: START_NS + next(minutes) * 60_000_000_000)
        self._journal = Journal(self.chat, self.database, stamps, lambda _: None, _fail)

    def do(self, *requests: Any) -> Any:
        """Each in a transaction of its own; all must be accepted. Returns the events of the last one."""
        outcome: Any = None
        for request in requests:
            ((outcome,), _) = self._journal.ask((request,))
            if not isinstance(outcome, Applied):
                raise SystemExit(f"{request} was refused: {outcome}")
        return outcome.events

    def login(self, session: int, name: str) -> Any:
        account = self.chat.accounts[name]
        return asked.Arrive(session, name, f"~{name}", "host", f"{name}'s name", account.id, account.credential_set)


def _fail(what: str, error: BaseException) -> None:
    raise SystemExit(f"{what}: {error!r}")


def modes(session: int, channel: str, *changes: str) -> Any:
    """Of words such as ``+b mask``."""
    cut = [change.partition(" ") for change in changes]
    made = tuple(ModeChange(letters[0] == "+", letters[1], parameter or None) for letters, _, parameter in cut)
    return asked.SetModes(session, channel, made)


def fill(store: Store) -> None:
    """Accounts ann (an administrator), bob, carl (disabled), dan and eve; #lobby, #Tea, #eve and guests' channels."""
    do, hasher = store.do, Hasher(Parameters(memory=8, passes=1))
    do(asked.Start(Rules(guests=True)))
    for name in ("ann", "bob", "carl", "dan", "eve", "gone"):
        do(asked.AddAccount(name, hasher.hash(f"{name}'s password"), Role.ADMIN if name == "ann" else Role.MEMBER))
    do(asked.EnableAccount("carl", False), asked.SetPassword("bob", hasher.hash("bob's new password")))
    do(asked.RemoveAccount("gone"))
    do(store.login(ANN, "ann"), store.login(BOB, "bob"), store.login(EVE, "eve"))
    do(asked.Arrive(GUEST, "guest", "~g", "elsewhere", "a guest"))
    do(*(asked.Join(session, "#lobby") for session in (ANN, BOB, EVE, GUEST)))
    do(*(asked.Join(session, "#Tea") for session in (ANN, BOB, EVE, GUEST)))
    do(
        asked.SetTopic(ANN, "#Tea", "cups, saucers and café au lait"),
        asked.Join(EVE, "#eve"),
        asked.Join(GUEST, "#fun"),
    )
    do(asked.Say(ANN, "PRIVMSG", "#Tea", "hello, everybody"), asked.Say(BOB, "NOTICE", "#Tea", "привет 🫖 你好"))
    do(asked.Say(BOB, "PRIVMSG", "#tea", "with a tag", "+typing=done"))
    do(asked.Say(EVE, "PRIVMSG", "#Tea", "one\ntwo\n\nfour", "", True))
    do(modes(ANN, "#Tea", "+b *!*@spam", "+b *!*@ham", "+e ham!*@*", "+v eve", "+k sesame", "+l 30", "+o bob"))
    do(asked.Say(ANN, "PRIVMSG", "@#tea", "for operators"))
    do(modes(EVE, "#eve", "+I *!*@home", "+i", "+s"), asked.SetTopic(EVE, "#eve", "mine"))
    do(modes(GUEST, "#fun", "+b *!*@spam"), asked.Say(GUEST, "PRIVMSG", "#fun", "is anybody here?"))
    do(asked.SetMetadata(ANN, "*", "url", "https://example.org"), asked.SetMetadata(ANN, "#Tea", "url", "urn:tea"))
    do(asked.Silence(ANN, True, "*!*@spam"), asked.Silence(EVE, True, "*!*@ham"))
    do(asked.AddBan(None, BanKind.ACCOUNT, "Spam", "go away"))
    do(asked.AddBan(ANN, BanKind.NETWORK, "192.0.2.0/24", "too loud", 2**62))
    do(asked.Say(ANN, "PRIVMSG", "bob", "psst"), asked.Say(BOB, "NOTICE", "ann", "what?"))
    do(asked.Say(GUEST, "PRIVMSG", "ann", "from a guest"), asked.Say(ANN, "PRIVMSG", "guest", "to a guest"))
    do(asked.Say(ANN, "PRIVMSG", "dan", "it waits"), asked.Say(GUEST, "NOTICE", "dan", "so does this"))
    do(asked.Kick(ANN, "#Tea", "guest", "away with you"), asked.ChangeNick(GUEST, "ghost"))
    do(asked.RenameChannel(ANN, "#Tea", "#Tee", "German"), asked.Part(EVE, "#Tee", "bye"))
    do(asked.SetOwner(ANN, "#Tee", "bob"), asked.Kill(ANN, "ghost", "enough"))
    if VERSION >= 3:
        store.database.host_key()
    if VERSION >= 4:
        fill_schema_4(store)
    if VERSION >= 5:
        fill_schema_5(store)
    do(asked.Depart(EVE, "Quit: good night"), asked.Say(BOB, "PRIVMSG", "#Tee", "the last word"))


def fill_schema_4(store: Store) -> None:
    """Devices, read markers, settings, ids of messages; somebody comes back; something is taken back."""
    do = store.do
    phone = store.login(PHONE, "bob")
    phone.device = "phone"
    do(phone, asked.SetReplay(BOB, 50), asked.SetAlwaysOn(ANN, True))
    (said,) = do(asked.Say(BOB, "PRIVMSG", "#Tee", "to be taken back", "+draft/react=x", client_id="my-id-1"))
    (psst,) = do(asked.Say(BOB, "PRIVMSG", "ann", "this, too", client_id="my-id-2"))
    for target, event in (("#tee", said), ("ann", psst)):
        original = asked.Original(event.stamp, event.account_id, event.channel_id, event.target, event.target_id)
        do(asked.Redact(BOB, target, original, "a mistake"))
    ms = (said.stamp >> 21) + 1_577_836_800_000
    do(asked.MarkRead(BOB, "#tee", ms), asked.MarkRead(BOB, "Ann", ms), asked.Depart(PHONE, ""))
    do(asked.Depart(EVE, "gone for a moment"), store.login(EVE, "eve"))


def fill_schema_5(store: Store) -> None:
    """Certificates, invite codes that are open, used and for a reset, a verifier for SCRAM."""
    do = store.do
    for session, der in ((ANN, b"ann's certificate"), (BOB, b"bob's certificate"), (BOB, b"bob's other one")):
        do(asked.AddCertificate(session, hashlib.sha256(der).hexdigest(), der, "a laptop", 2_000_000_000))
    do(asked.RemoveCertificate(BOB, "", hashlib.sha256(b"bob's other one").hexdigest()))
    digests = [hashlib.sha256(code).hexdigest() for code in (b"first", b"second", b"third", b"fourth")]
    do(
        asked.MakeInviteCode(ANN, digests[0], "", False, 5, 2**62),
        asked.MakeInviteCode(ANN, digests[1], "Fay", True, 1, 2**62),
    )
    do(asked.MakeInviteCode(None, digests[2], "carl", False, 1, 2**62, True))
    do(asked.MakeInviteCode(None, digests[3], "", False, 1, 2**62), asked.RevokeInviteCode(ANN, digests[3][:12]))
    hasher = Hasher(Parameters(memory=8, passes=1))
    verifier = "SCRAM-SHA-256$4096:c2FsdA==$a2V5:a2V5"
    do(asked.SetPassword("dan", hasher.hash("dan's new password"), scram=verifier))
    do(asked.AddAccount("Fay", hasher.hash("fay's password"), code=digests[1], scram=verifier))
    do(asked.AddAccount("gil", hasher.hash("gil's password"), code=digests[0]))
    do(asked.RemoveAccount("Fay"), asked.RemoveAccount("gil"))


def main(path: Path) -> None:
    path.unlink(missing_ok=True)
    store = Store(path)
    fill(store)
    store.database.close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 1024")  # most tables here have a line or two
        connection.execute("VACUUM")
    print(f"{path}: schema {VERSION}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
