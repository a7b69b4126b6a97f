"""A chat on a disk that gets full, and is emptied: run by tests, as a process of its own.

``python -m tests.store.full_disk limit|full DIRECTORY`` prints why messages were refused.
"""

import resource
import sys
from pathlib import Path

from securechat.chat.events import DevicesSeen, Left
from securechat.chat.machine import Applied
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import AddAccount, Depart, Join, Say
from securechat.chat.views import snapshot
from securechat.store.journal import Entry
from tests.store.shop import Client, Shop

ANN, BOB, EVE = 1, 2, 3

IN_A_ROW = 30
"""Refused so often, a message will be until there is room again: SQLite finds some in its WAL for a while."""


def fill(shop: Shop) -> str:
    """Talk until there is no room; the reason."""
    refused: list[str] = []
    number = 0
    while len(refused) < IN_A_ROW:
        before = snapshot(shop.chat)
        # Both grow: one batch after the other, and now and then a large one.
        texts = [f"{number} {'x' * 300}"] * (200 if number % 10 == 0 else 1)
        outcomes = {type(outcome) for entry in shop.ask(*say(*texts)) for outcome in entry.outcomes}
        assert len(outcomes) == 1, "a batch is stored, or nothing of it is"
        if outcomes == {Refusal}:
            assert snapshot(shop.chat) == before
            refused.append(shop.errors.pop()[1].args[0])
        else:
            refused.clear()
        number += 1
    assert not shop.errors
    (why,) = set(refused)
    return why


def say(*texts: str) -> list[Say]:
    return [Say(ANN, "PRIVMSG", "#tea", text) for text in texts]


def main(kind: str, directory: Path) -> None:
    ballast = directory / "ballast"
    shop = Shop(directory / "securechat.db")
    shop.open("ann", "bob", "eve")
    shop.do(*(shop.login(session, name) for session, name in ((ANN, "ann"), (BOB, "bob"), (EVE, "eve"))))
    shop.do(*(Join(session, "#tea") for session in (ANN, BOB, EVE)))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    if kind == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, hard))
    else:
        ballast.write_bytes(bytes(128 * 1024))
    for _ in range(2):
        why = fill(shop)

        # What needs no room goes on.
        question = Entry(Client(), (), lambda chat: len(chat.sessions))
        shop.batch(question)
        assert question.answer == len(shop.chat.sessions)
        shop.do(Say(ANN, "TAGMSG", "#tea", ""))
        shop.do(Depart(max(shop.chat.sessions), "gone"))
        assert [type(event) for event in shop.owed] == [DevicesSeen, Left]
        (entry,) = shop.ask(AddAccount("new", "hash"))
        assert entry.outcomes == [Refusal(Reason.NOT_STORED, (why,))]
        shop.errors.clear()

        if kind == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        else:
            ballast.unlink()
        (entry,) = shop.ask(*say("there is room again"))
        assert isinstance(entry.outcomes[0], Applied), entry.outcomes
        shop.do(*say(*(str(number) for number in range(100))))
        shop.check()
        if kind == "limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (512 * 1024, hard))
        else:
            break
    print(why)
    shop.database.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
