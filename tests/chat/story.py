"""A story in which every kind of request is made, and each has every outcome that it can have."""

from securechat.chat.model import Role, Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    AddAccount,
    Arrive,
    ChangeNick,
    Collect,
    Depart,
    EnableAccount,
    Join,
    Part,
    Rehash,
    RemoveAccount,
    Say,
    SetPassword,
    SetTopic,
    Start,
)
from tests.chat import story_channels, story_joining, story_keeping, story_network, story_people
from tests.chat.room import Room


def story() -> Room:
    """The room in which it happened; its ``log`` tells what was asked."""
    room = Room()
    for chapter in (
        accounts,
        story_channels.modes,
        story_channels.kicks,
        story_channels.owners,
        story_people.people,
        story_people.metadata,
        story_people.logins,
        story_network.network,
        story_keeping.devices,
        story_keeping.messages,
        story_joining.codes,
        story_joining.certificates,
    ):
        chapter(room)
    room.do(Start(Rules(lobby="#hall")))
    return room


def accounts(room: Room) -> None:
    """Accounts are made, used, and end; and they talk."""
    ann = room.account("Ann", Role.ADMIN)
    room.refused(AddAccount("ann", ""), Reason.ACCOUNT_EXISTS, "ann")
    room.refused(AddAccount("no nick", ""), Reason.BAD_ACCOUNT_NAME, "no nick")
    room.refused(room.visit("guest"), Reason.ACCOUNT_REQUIRED)
    session = room.enter(ann, "#tea")
    room.refused(ChangeNick(session, "anne"), Reason.NICK_IS_ACCOUNT_NAME, "anne")

    # The server starts again, and lets guests in.
    room.do(
        Start(
            Rules(
                guests=True,
                lobby="#Hall",
                channels_per_user=3,
                channels_founded=3,
                topic_length=10,
                channel_length=20,
                sessions_per_user=2,
                held_per_account=20,
            )
        )
    )
    room.refused(Join(session, "#tea"), Reason.NO_SUCH_SESSION)
    bob, eve = room.account("bob"), room.account("eve")
    first, second = room.enter(ann, "#hall", "#tea", "#milk"), room.enter(ann)
    third, fourth = room.enter(bob, "#hall"), room.enter(bob)
    guest, other = room.enter("guest", "#fun", "#hall"), room.enter("other", "#tea", "#fun")
    room.refused(Arrive(first, "Ann", "u", "h", "r", ann.id, ann.credential_set), Reason.NO_SUCH_SESSION)
    room.refused(Arrive(99, "Ann", "u", "h", "r", ann.id, 1), Reason.ACCOUNT_CHANGED)
    room.refused(room.visit("9"), Reason.BAD_NICK, "9")
    room.refused(room.visit("GUEST"), Reason.NICK_IN_USE, "GUEST")
    room.refused(room.visit("EVE"), Reason.NICK_BELONGS_TO_ACCOUNT, "EVE")
    room.refused(room.login(ann), Reason.TOO_MANY_SESSIONS, "Ann")
    room.do(Join(first, "#TEA"))
    room.refused(Join(first, "#fun"), Reason.TOO_MANY_CHANNELS, "#fun")
    room.refused(Join(third, "#no channel"), Reason.BAD_CHANNEL_NAME, "#no channel")

    # They talk.
    room.do(Say(first, "PRIVMSG", "#tea", "hello", "+a=b"))
    room.do(Say(second, "TAGMSG", "#hall", ""))
    room.do(Say(guest, "NOTICE", "bob", "psst"))
    room.do(Say(third, "PRIVMSG", "bob", "to myself"))
    room.do(Say(third, "PRIVMSG", "eve", "first"))
    room.do(Say(guest, "PRIVMSG", "eve", "second"))
    room.refused(Say(guest, "NOTICE", "eve", "third"), Reason.TOO_MANY_HELD, "eve")
    room.do(Say(guest, "TAGMSG", "eve", ""))
    held = room.chat.held[eve.id]
    room.refused(Say(first, "PRIVMSG", "nobody", "hello"), Reason.NO_SUCH_NICK, "nobody")
    room.refused(Say(first, "PRIVMSG", "#none", "hello"), Reason.NO_SUCH_CHANNEL, "#none")
    room.refused(Say(third, "PRIVMSG", "#fun", "hello"), Reason.CANNOT_SEND, "#fun")
    room.do(Say(first, "PRIVMSG", "#hall", "x" * 500))
    room.do(Say(first, "PRIVMSG", "#tea", "one\n" + "x" * 500 + "\rtwo", multiline=True))
    room.do(Say(first, "NOTICE", "bob", "one\ntwo", multiline=True))
    room.do(SetTopic(first, "#tea", "longer than ten"))
    room.do(SetTopic(first, "#tea", ""))
    room.do(SetTopic(guest, "#fun", "boo"))
    room.refused(SetTopic(third, "#hall", "mine"), Reason.NOT_OPERATOR, "#Hall")
    room.refused(Part(third, "#tea"), Reason.NOT_ON_CHANNEL, "#tea")

    # Eve comes and finds what was kept for her.
    fifth = room.enter(eve, "#tea")
    room.do(Collect(fifth, held - 1))
    room.do(Collect(fifth, held))
    room.do(Collect(fifth, held))

    # Names are changed, and given to others.
    room.do(ChangeNick(guest, "ghost"))
    room.do(ChangeNick(first, "anne"))
    room.do(AddAccount("anne", "hash"))
    room.do(AddAccount("Ghost", "hash"))
    room.do(Part(third, "#hall", "bye"))
    room.do(Depart(second, "gone"))
    room.do(Depart(guest, "gone"))
    room.do(Part(other, "#fun"))
    room.do(Depart(guest, "gone again"))

    # Accounts end.
    room.do(Say(other, "PRIVMSG", "anne", "are you there?"))
    room.do(SetPassword("bob", "another", keep=third))
    secret = room.chat.accounts["bob"].credential_set
    room.do(Rehash(bob.id, secret, "the same, hashed anew"))
    room.refused(Rehash(bob.id, secret - 1, "too late"), Reason.ACCOUNT_CHANGED)
    room.refused(SetPassword("bob", "mine", verified=secret - 1), Reason.ACCOUNT_CHANGED)
    room.do(SetPassword("bob", "yet another", verified=secret))
    room.do(EnableAccount("eve", False))
    room.refused(Arrive(98, "eve", "u", "h", "r", eve.id, eve.credential_set), Reason.ACCOUNT_DISABLED, "eve")
    room.do(EnableAccount("eve", True))
    room.do(RemoveAccount("anne"))
    room.do(RemoveAccount("ann"))
    room.refused(RemoveAccount("ann"), Reason.NO_SUCH_ACCOUNT, "ann")
    assert fourth not in room.chat.sessions
