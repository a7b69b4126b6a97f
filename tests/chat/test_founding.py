"""How many channels an account may found: they last, so a loop of JOIN and PART must have an end."""

from securechat.chat.machine import Chat
from securechat.chat.model import Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import Join, Part, RemoveAccount
from tests.chat.room import Room


def test_an_account_founds_only_so_many_channels() -> None:
    room = Room(Rules(channels_founded=2))
    ann = room.account("ann")
    session = room.enter(ann)
    for name in ("#one", "#two"):
        room.do(Join(session, name))
        room.do(Part(session, name))
    room.refused(Join(session, "#three"), Reason.TOO_MANY_CHANNELS, "#three")
    room.do(Join(session, "#lobby"))  # what is there already can be joined
    room.do(Join(session, "#one"))


def test_what_an_account_founded_is_counted_again_after_a_restart() -> None:

    room = Room(Rules(channels_founded=2))
    ann = room.account("ann")
    session = room.enter(ann, "#one", "#two")
    room.leave(session)
    again = Chat(accounts=room.chat.accounts.values(), channels=room.chat.channels.values())
    assert again.founded == room.chat.founded == {ann.id: 2}


def test_a_new_account_of_the_same_name_begins_anew() -> None:
    room = Room(Rules(channels_founded=2))
    room.leave(room.enter(room.account("ann"), "#one", "#two"))
    room.do(RemoveAccount("ann"))
    assert room.chat.founded == {}
    room.enter(room.account("ann"), "#three")
