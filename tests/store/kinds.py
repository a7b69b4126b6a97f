"""Transactions of every kind, on a chat that has something of everything."""

from collections.abc import Callable
from pathlib import Path

from securechat.chat.machine import Chat
from securechat.chat.model import Rules
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import (
    AddAccount,
    Arrive,
    ChangeNick,
    Collect,
    EnableAccount,
    Join,
    Part,
    Rehash,
    RemoveAccount,
    Request,
    Say,
    SetPassword,
    SetTopic,
    Start,
)
from securechat.chat.views import snapshot
from tests.store.shop import Shop

ANN, BOB, EVE, GUEST, LEAVER, LATE = range(1, 7)

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
    )
    return shop


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
    "an account is disabled": lambda _: [EnableAccount("ann", False)],
    "an account is removed": lambda _: [RemoveAccount("eve")],
    "one that is not there": lambda _: [RemoveAccount("dan")],
    "channels are made": lambda _: [Join(ANN, "#new"), Join(GUEST, "#other"), Join(BOB, "#third")],
    "topics": lambda _: [SetTopic(ANN, "#tea", "pots"), SetTopic(EVE, "#eve", "")],
    "names and leaves": lambda _: [ChangeNick(GUEST, "ghost"), Part(BOB, "#tea", "bye")],
    "a start": lambda _: [Start(Rules(lobby="#hall"))],
    "all at once": lambda shop: [
        Say(BOB, "PRIVMSG", "#tea", "hello"),
        *collect(shop),
        AddAccount("new", "hash"),
        Say(BOB, "PRIVMSG", "dan", "three"),
        Join(BOB, "#new"),
        SetPassword("bob", "another hash"),
        SetTopic(EVE, "#eve", "ours"),
        RemoveAccount("dan"),
        RemoveAccount("eve"),
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
