"""Transactions of every kind, on a chat that has something of everything."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from securechat.chat.events import Said
from securechat.chat.machine import Chat
from securechat.chat.model import BanKind, Rules
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import (
    AddAccount,
    AddBan,
    AddCertificate,
    Arrive,
    BecomeOperator,
    ChangeNick,
    ClearMetadata,
    Collect,
    Depart,
    EnableAccount,
    ForgetIds,
    Join,
    Kick,
    Kill,
    LogIn,
    MakeInviteCode,
    MarkRead,
    Original,
    Part,
    Redact,
    Rehash,
    RemoveAccount,
    RemoveBan,
    RemoveCertificate,
    RenameChannel,
    Request,
    RevokeInviteCode,
    Say,
    SetAlwaysOn,
    SetMetadata,
    SetModes,
    SetOwner,
    SetPassword,
    SetReplay,
    SetTopic,
    Silence,
    Start,
)
from securechat.chat.stamps import EPOCH_MS
from securechat.chat.views import snapshot
from securechat.irc.modes import ModeChange
from tests.store.shop import Shop

ANN, BOB, EVE, GUEST, LEAVER, LATE, PHONE = range(1, 8)

REASONS = {
    "SQLITE_IOERR_WRITE": "the server's disk has failed",
    "SQLITE_FULL": "the server's disk is full",
    "SQLITE_READONLY": "the server's disk is read-only",
    "SQLITE_BUSY": "the server's database is locked",
}


def open_shop(path: Path) -> Shop:
    """A chat with something of everything. Messages wait for Eve, and for Dan, who is not there."""
    shop = Shop(path)
    shop.open("ann", "bob", "dan", "eve")
    shop.do(
        *(shop.login(session, name) for session, name in ((ANN, "ann"), (BOB, "bob"))),
        *(Join(session, "#tea") for session in (ANN, BOB)),
        SetTopic(ANN, "#tea", "cups"),
        Say(ANN, "PRIVMSG", "#tea", "hello"),
        *(Say(ANN, "PRIVMSG", name, text) for name in ("eve", "dan") for text in ("one", "two")),
        *(shop.login(EVE, "eve"), Join(EVE, "#eve"), SetTopic(EVE, "#eve", "mine"), Join(EVE, "#tea")),
        *(Arrive(GUEST, "guest", "~g", "host", "a guest"), Join(GUEST, "#tea"), Join(GUEST, "#fun")),
        *(Arrive(LEAVER, "leaver", "~g", "host", "a guest"), Join(LEAVER, "#tea"), Join(LEAVER, "#leaver")),
        modes(ANN, "#tea", "+b *!*@spam", "+b *!*@ham", "+e ham!*@*", "+v eve", "+k sesame"),
        modes(EVE, "#eve", "+b *!*@spam", "+I *!*@home", "+l 5"),
        modes(GUEST, "#fun", "+b *!*@spam", "+s", "+k sesame"),
        *(SetMetadata(session, "*", "url", "https://example.org") for session in (ANN, EVE, GUEST)),
        *(SetMetadata(session, "*", "note", "hello") for session in (ANN, EVE)),
        *(
            SetMetadata(ANN, "#tea", "url", "old"),
            SetMetadata(EVE, "#eve", "url", "old"),
            SetTopic(GUEST, "#fun", "boo"),
        ),
        *(SetMetadata(GUEST, "#fun", "url", "old"), Silence(ANN, True, "*!*@spam"), Silence(EVE, True, "*!*@spam")),
        *(AddBan(None, BanKind.ACCOUNT, "spam", "go away"), AddBan(None, BanKind.NETWORK, "10.0.0.0/8", "go away")),
        BecomeOperator(BOB, "root"),
        *(shop.login(PHONE, "ann", "phone"), Depart(PHONE, "gone"), shop.login(PHONE, "bob", "phone")),
        *(MarkRead(session, "#tea", EPOCH_MS) for session in (ANN, GUEST)),
        *(MarkRead(ANN, "bob", EPOCH_MS), SetReplay(EVE, 5), SetAlwaysOn(EVE, True)),
        *(Say(session, "PRIVMSG", "#tea", "once", client_id="a") for session in (ANN, BOB, GUEST)),
        *(MakeInviteCode(None, letter * 64, "", False, 2, 2**62) for letter in "de"),
        MakeInviteCode(None, "f" * 64, "dan", False, 1, 2**62, True),
        *(certificate(BOB, b"two"), certificate(EVE, b"four")),
    )
    return shop


def said(shop: Shop, who: int, target: str) -> list[Original]:
    """What the log says of the messages of somebody to a channel or a nick."""
    return [
        Original(event.stamp, event.account_id, event.channel_id, event.target, event.target_id)
        for event in shop.shown
        if isinstance(event, Said) and event.source == shop.chat.sessions[who].source and event.target == target
    ]


def modes(session: int, channel: str, *changes: str) -> SetModes:
    """Of words such as ``+b mask``."""
    made = []
    for change in changes:
        letters, _, parameter = change.partition(" ")
        made.append(ModeChange(letters[0] == "+", letters[1], parameter or None))
    return SetModes(session, channel, tuple(made))


def certificate(session: int, der: bytes) -> AddCertificate:
    return AddCertificate(session, hashlib.sha256(der).hexdigest(), der, "a laptop", 2**31)


def credentials(chat: Chat, name: str) -> tuple[int, int]:
    account = chat.accounts[name]
    return account.id, account.credential_set


def collect(shop: Shop) -> list[Request]:
    return [Collect(EVE, shop.chat.held[shop.chat.accounts["eve"].id])]


Kind = Callable[[Shop], list[Request]]

# Requests of which each is stored, and depends on none before it.
STORED: dict[str, Kind] = {
    "messages": lambda _: [
        Say(BOB, "PRIVMSG", "#tea", "hello", "+a=b"),
        Say(ANN, "NOTICE", "#tea", "hello"),
        Say(ANN, "PRIVMSG", "bob", "psst"),
    ],
    "a message that waits": lambda _: [Say(ANN, "PRIVMSG", "dan", "three"), Say(BOB, "NOTICE", "dan", "four")],
    "messages were fetched": collect,
    "half of them": lambda shop: [Collect(EVE, shop.chat.held[shop.chat.accounts["eve"].id] - 1)],
    "an account is added": lambda _: [AddAccount("new", "hash")],
    "one whose name is worn": lambda _: [AddAccount("guest", "hash")],
    "a password is set": lambda _: [SetPassword("bob", "another hash"), SetPassword("dan", "another hash")],
    "a hash is renewed": lambda shop: [Rehash(*credentials(shop.chat, "bob"), "another hash")],
    "passwords with verifiers": lambda _: [
        AddAccount("new", "hash", scram="verifier"),
        SetPassword("bob", "hash", scram="verifier"),
    ],
    "invite codes": lambda _: [
        MakeInviteCode(None, "a" * 64, "", False, 2, 2**62),
        MakeInviteCode(BOB, "b" * 64, "", False, 1, 2**62),
        RevokeInviteCode(None, "d" * 12),
    ],
    "an invite code is used": lambda _: [AddAccount("new", "hash", code="e" * 64)],
    "a password is reset": lambda _: [SetPassword("dan", "another hash", code="f" * 64)],
    "a reset that nobody needs any more": lambda _: [SetPassword("dan", "another hash")],
    "certificates": lambda _: [
        certificate(ANN, b"one"),
        RemoveCertificate(BOB, "", certificate(BOB, b"two").fingerprint),
        RemoveCertificate(None, "eve", certificate(EVE, b"four").fingerprint),
    ],
    "an account is disabled": lambda _: [EnableAccount("ann", False)],
    "an account is removed": lambda _: [RemoveAccount("eve")],
    "one that is not there": lambda _: [RemoveAccount("dan")],
    "channels are made": lambda _: [Join(ANN, "#new"), Join(GUEST, "#other"), Join(BOB, "#third")],
    "topics": lambda _: [SetTopic(ANN, "#tea", "pots"), SetTopic(EVE, "#eve", "")],
    "names and leaves": lambda _: [ChangeNick(GUEST, "ghost"), Part(BOB, "#tea", "bye")],
    "modes": lambda _: [
        modes(ANN, "#tea", "-t", "+m", "+i", "+l 30", "-k *"),
        modes(GUEST, "#fun", "+m", "+b *!*@ham"),  # of which only the log tells
        modes(EVE, "#eve", "-l", "-I *!*@home"),
    ],
    "lists": lambda _: [
        modes(ANN, "#tea", "-b *!*@spam", "+b a!*@*", "+I *!*@home"),
        modes(ANN, "#tea", "+b *!*@spam", "-b *!*@HAM", "-b *!*@spam", "+b *!*@ham", "-b a!*@*", "+b *!*@spam"),
    ],
    "modes of accounts": lambda _: [
        modes(ANN, "#tea", "-v eve", "+o bob", "+v guest"),
        modes(ANN, "#tea", "+v bob"),
    ],
    "kicks": lambda _: [Kick(ANN, "#tea", "guest", "away with you"), Kick(GUEST, "#fun", "guest", "")],
    "channels get other names": lambda _: [
        RenameChannel(ANN, "#tea", "#Tee", "German"),
        RenameChannel(EVE, "#eve", "#EVE", ""),
        RenameChannel(GUEST, "#fun", "#joy", ""),
    ],
    "channels are handed over": lambda _: [SetOwner(BOB, "#tea", "dan"), SetOwner(BOB, "#eve", "bob")],
    "a channel is given up": lambda _: [SetOwner(EVE, "#eve", None)],
    "a guest's channel gets an owner": lambda _: [SetOwner(BOB, "#fun", "ann")],
    "people are silenced": lambda _: [Silence(ANN, True, "*!*@ham"), Silence(EVE, False, "*!*@SPAM")],
    "metadata": lambda _: [
        SetMetadata(ANN, "*", "url", "other"),
        SetMetadata(ANN, "*", "note", None),
        SetMetadata(ANN, "#tea", "url", "new"),
        SetMetadata(ANN, "#tea", "note", "hello"),
        ClearMetadata(EVE, "*"),
        ClearMetadata(EVE, "#eve"),
    ],
    "bans of the server": lambda _: [
        AddBan(None, BanKind.ACCOUNT, "SPAM", "again", 2**62),
        AddBan(BOB, BanKind.NETWORK, "2001:db8::/32", "enough"),
        RemoveBan(None, BanKind.NETWORK, "10.0.0.0/8"),
        AddBan(BOB, BanKind.ACCOUNT, "Eve", "enough"),
    ],
    "somebody is killed": lambda _: [Kill(BOB, "guest", "enough")],
    "a start": lambda _: [Start(Rules(lobby="#hall"))],
    "messages are taken back": lambda shop: [
        Redact(ANN, "#tea", said(shop, ANN, "#tea")[0], "a slip"),
        Redact(ANN, "#tea", said(shop, GUEST, "#tea")[0]),
        Redact(ANN, "dan", said(shop, ANN, "dan")[0], "another"),
    ],
    "messages have names": lambda _: [
        Say(ANN, "PRIVMSG", "#tea", "once", client_id="b"),
        Say(ANN, "PRIVMSG", "dan", "once", client_id="c"),
    ],
    "names are forgotten": lambda shop: [ForgetIds(said(shop, BOB, "#tea")[0].stamp)],
    "markers": lambda _: [MarkRead(ANN, "#tea", EPOCH_MS + 1), MarkRead(ANN, "dan", EPOCH_MS)],
    "choices": lambda _: [
        SetReplay(ANN, 7),
        SetAlwaysOn(ANN, True),
        SetReplay(EVE, None),
        SetAlwaysOn(EVE, False),
    ],
    "all connections of an account end": lambda _: [Kill(BOB, "ann", "enough"), SetPassword("eve", "another hash")],
    "a guest becomes somebody": lambda shop: [LogIn(GUEST, *credentials(shop.chat, "dan"), "h")],
    "somebody becomes somebody else": lambda shop: [LogIn(ANN, *credentials(shop.chat, "dan"), "h")],
    "all at once": lambda shop: [
        Say(BOB, "PRIVMSG", "#tea", "hello"),
        *collect(shop),
        AddAccount("new", "hash"),
        Say(BOB, "PRIVMSG", "dan", "three"),
        Join(BOB, "#new"),
        SetOwner(BOB, "#fun", "dan"),
        SetPassword("bob", "another hash"),
        SetTopic(EVE, "#eve", "ours"),
        modes(EVE, "#eve", "+b *!*@ham"),
        Silence(ANN, True, "*!*@ham"),
        RemoveAccount("dan"),
        RemoveAccount("eve"),
    ],
}


# Requests that depend on those before them.
CHAINED: dict[str, list[Request]] = {
    "a channel goes from hand to hand": [
        SetOwner(BOB, "#fun", "dan"),
        modes(GUEST, "#fun", "-s", "+b *!*@ham", "+v guest"),
        SetMetadata(GUEST, "#fun", "url", "new"),
        SetOwner(BOB, "#fun", "eve"),
        SetTopic(GUEST, "#fun", "more"),
        SetOwner(EVE, "#eve", None),
        modes(EVE, "#eve", "+b *!*@ham"),
        SetOwner(BOB, "#eve", "bob"),
    ],
    "a channel that was given to somebody is given up": [SetOwner(BOB, "#fun", "eve"), SetOwner(BOB, "#fun", None)],
    "one loses its owner, and gets another": [Join(ANN, "#eve"), RemoveAccount("eve"), SetOwner(BOB, "#eve", "dan")],
    "one gets an owner who is removed": [SetOwner(BOB, "#fun", "dan"), RemoveAccount("dan")],
    "names are passed on": [
        RenameChannel(ANN, "#tea", "#Tee", "German"),
        RenameChannel(EVE, "#eve", "#tea", ""),
        SetOwner(BOB, "#fun", "dan"),
        Join(BOB, "#eve"),
    ],
    "a ban is replaced and lifted": [
        AddBan(None, BanKind.ACCOUNT, "spam", "again"),
        RemoveBan(None, BanKind.ACCOUNT, "SPAM"),
        AddBan(BOB, BanKind.ACCOUNT, "SPAM", "once more"),
    ],
    "a channel is closed and opened": [
        modes(ANN, "#tea", "-k *"),
        modes(ANN, "#tea", "+i", "+s"),
        modes(ANN, "#tea", "-i"),
        modes(ANN, "#tea", "-s"),
    ],
    "somebody is not in a channel any more": [
        Part(BOB, "#tea"),
        Join(BOB, "#tea", "sesame"),
        Kick(ANN, "#tea", "bob"),
        Kick(ANN, "#tea", "eve"),
    ],
    "a name comes and goes": [
        Say(ANN, "PRIVMSG", "#tea", "once", client_id="b"),
        ForgetIds(2**62),
        Say(ANN, "PRIVMSG", "#tea", "once", client_id="b"),
    ],
    "accounts and what they leave": [
        SetMetadata(BOB, "*", "url", "x"),
        Silence(BOB, True, "*!*@ham"),
        modes(ANN, "#tea", "+o bob"),
        RemoveAccount("bob"),
    ],
}


def steps_of(shop: Shop, requests: list[Request]) -> list[str]:
    """The statements of the transaction."""
    shop.disk.watch()
    shop.do(*requests)
    shop.check()
    steps = shop.disk.steps.copy()
    assert (steps[0], steps[-1]) == ("BEGIN IMMEDIATE", "COMMIT")
    return steps


def refused(shop: Shop, requests: list[Request], why: str) -> None:
    """These are refused, and all is as it was."""
    before, shown = snapshot(shop.chat), len(shop.shown)
    for entry in shop.ask(*requests):
        assert entry.outcomes == [Refusal(Reason.NOT_STORED, (why,))]
    assert snapshot(shop.chat) == before
    assert len(shop.shown) == shown
    assert [what for what, _ in shop.errors] == ["not stored"]
    shop.errors.clear()
