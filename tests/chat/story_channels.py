"""Chapters of the story: channels, their modes and lists, kicks and invitations, whose they are."""

from securechat.chat.model import Role, Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    ChangeNick,
    Depart,
    Invite,
    Join,
    Kick,
    Part,
    RenameChannel,
    Say,
    SetModes,
    SetOwner,
    SetTopic,
    Silence,
    Start,
)
from securechat.irc.modes import ModeChange
from tests.chat.room import Room

RULES = Rules(
    guests=True,
    lobby="#Hall",
    channels_per_user=3,
    channels_founded=3,
    list_entries=4,
    key_length=5,
    kick_length=5,
    channel_length=10,
)


def modes(room: Room) -> None:
    """Carl's channel has every mode that there is, and each keeps somebody out or quiet."""
    room.do(Start(RULES))
    carl, dora = room.account("carl"), room.account("dora")
    first, second = room.enter(carl, "#den"), room.enter(dora)
    guest = room.enter("guest")
    room.mode(first, "#den", "+CMRis")
    room.refused(Join(second, "#den"), Reason.INVITE_ONLY, "#den")
    room.refused(Part(second, "#den"), Reason.NO_SUCH_CHANNEL, "#den")
    room.mode(first, "#den", "+I-s", "d*!*@*")
    room.do(Join(second, "#den"))
    room.mode(first, "#den", "-i+kl", "key", "2")
    room.refused(Join(guest, "#den", "key"), Reason.ACCOUNT_NEEDED, "#den")
    room.mode(first, "#den", "-R")
    room.refused(Join(guest, "#den", "no key"), Reason.BAD_KEY, "#den")
    room.refused(Join(guest, "#den", "key"), Reason.CHANNEL_FULL, "#den")
    room.mode(first, "#den", "-l+lb-b+b", "5", "guest", "GUEST", "~a:nobody")
    room.mode(first, "#den", "+b", "g*!~guest@*")
    room.refused(Join(guest, "#den", "key"), Reason.BANNED_FROM_CHANNEL, "#den")
    room.mode(first, "#den", "+e", "g?est")
    room.do(Join(guest, "#den", "key"))

    # They speak, or may not.
    room.refused(Say(first, "PRIVMSG", "#den", "\x01VERSION\x01"), Reason.NO_CTCP, "#den")
    room.do(Say(first, "PRIVMSG", "#den", "\x01ACTION waves\x01"))
    room.refused(Say(guest, "PRIVMSG", "#den", "hello"), Reason.CANNOT_SEND, "#den")
    room.mode(first, "#den", "+v", "guest")
    room.do(Say(guest, "PRIVMSG", "#den", "hello"))
    room.do(Say(guest, "NOTICE", "@#den", "psst"))
    room.mode(first, "#den", "-v+h-M+m", "guest", "dora")
    room.refused(Say(guest, "PRIVMSG", "#den", "hello"), Reason.CANNOT_SEND, "#den")
    room.mode(second, "#den", "-mnC+b-I", "~m:guest", "d*!*@*")
    room.mode(first, "#den", "-e", "g?est")
    room.refused(Say(guest, "PRIVMSG", "#den", "hello"), Reason.CANNOT_SEND, "#den")
    room.do(Say(room.enter("visitor"), "PRIVMSG", "#den", "who is in there?"))

    # What can't be is told, and the rest is done.
    room.mode(second, "#den", "+obbkklZt", "dora", "x!y!z@ z", "one", "a,b", "new", "0")
    room.mode(second, "#den", "+bbb", "one", "two", "three")
    room.mode(first, "#den", "+oovv", "nobody", "visitor", "dora", "dora")
    room.mode(guest, "#den", "+i")
    room.do(SetModes(first, "#den", (ModeChange(True, "Z"),)))
    room.mode(first, "#den", "-kklsmi", "key", "key")
    room.mode(first, "#den", "+o-o", "dora", "dora")

    # Dora was a half-operator here, so she is again.
    room.do(Depart(second, ""))
    room.mode(first, "#den", "-b", "g*!~guest@*")
    again = room.enter(dora, "#den")
    room.mode(again, "#den", "-h", "dora")
    room.mode(first, "#den", "-o", "carl")
    room.mode(first, "#den", "+o", "carl")
    room.do(Depart(guest, ""))


def kicks(room: Room) -> None:
    """Some are sent out, others asked in."""
    room.do(Start(RULES))
    carl, dora = room.chat.accounts["carl"], room.chat.accounts["dora"]
    first, second = room.enter(carl, "#den", "#hall"), room.enter(dora, "#den")
    guest, other = room.enter("guest", "#den", "#yard"), room.enter("other")
    room.mode(first, "#den", "+h", "dora")
    room.refused(Kick(second, "#den", "carl"), Reason.NOT_OPERATOR, "#den")
    room.refused(Kick(guest, "#den", "carl"), Reason.NOT_OPERATOR, "#den")
    room.refused(Kick(first, "#den", "nobody"), Reason.NO_SUCH_NICK, "nobody")
    room.refused(Kick(first, "#den", "other"), Reason.NOT_IN_CHANNEL, "other", "#den")
    room.do(Kick(second, "#den", "GUEST", "too long a reason"))
    room.do(Kick(guest, "#yard", "guest"))
    room.do(Join(guest, "#yard"))

    room.refused(Invite(first, "nobody", "#den"), Reason.NO_SUCH_NICK, "nobody")
    room.refused(Invite(first, "dora", "#den"), Reason.ALREADY_ON_CHANNEL, "dora", "#den")
    room.do(Invite(guest, "other", "#yard"))
    room.do(Invite(guest, "other", "#yard"))
    room.do(Invite(guest, "dora", "#yard"))
    room.mode(guest, "#yard", "+i")
    room.do(Join(other, "#yard"))
    room.refused(Invite(other, "carl", "#yard"), Reason.NOT_OPERATOR, "#yard")
    room.do(Invite(guest, "carl", "#yard"))
    room.do(Silence(second, True, "guest"))
    room.do(Invite(guest, "dora", "#yard"))
    room.do(SetTopic(first, "#den", "for foxes"))
    room.do(ChangeNick(other, "another"))

    # The invitation is good for the channel, however it is called, and only as long as both are there.
    room.do(RenameChannel(guest, "#yard", "#garden", "it has flowers"))
    room.do(RenameChannel(guest, "#garden", "#Garden"))
    room.do(Depart(first, "gone"))
    room.do(Part(other, "#garden"))
    room.do(Part(guest, "#garden"))
    room.refused(Join(second, "#no channel"), Reason.BAD_CHANNEL_NAME, "#no channel")


def owners(room: Room) -> None:
    """Channels are renamed, handed over and given up."""
    room.do(Start(RULES))
    carl, dora = room.chat.accounts["carl"], room.chat.accounts["dora"]
    boss = room.enter(room.account("boss", Role.ADMIN), "#Hall")
    first, second = room.enter(carl, "#den", "#hall"), room.enter(dora, "#den")
    guest = room.enter("guest", "#fun", "#den")
    room.refused(RenameChannel(second, "#den", "#cave"), Reason.NOT_OPERATOR, "#den")
    room.refused(RenameChannel(boss, "#hall", "#cave"), Reason.CANNOT_RENAME, "#Hall", "#cave")
    room.mode(first, "#den", "+o", "dora")
    room.refused(RenameChannel(second, "#den", "#cave"), Reason.CANNOT_RENAME, "#den", "#cave")
    room.refused(RenameChannel(first, "#den", "#fun"), Reason.CHANNEL_NAME_IN_USE, "#den", "#fun")
    room.refused(RenameChannel(first, "#den", "cave"), Reason.CANNOT_RENAME, "#den", "cave")
    room.do(RenameChannel(first, "#den", "#cave"))

    room.refused(SetOwner(second, "#cave", "dora"), Reason.NOT_OWNER, "#cave")
    room.refused(SetOwner(boss, "#hall", "boss"), Reason.NOT_OWNER, "#Hall")
    room.refused(SetOwner(first, "#cave", "nobody"), Reason.NO_SUCH_ACCOUNT, "nobody")
    room.do(SetOwner(first, "#cave", "dora"))
    room.do(SetOwner(boss, "#cave", "dora"))
    room.mode(second, "#cave", "+b", "*!*@spam")
    room.do(SetOwner(second, "#cave", None))
    room.do(SetOwner(boss, "#cave", "carl"))
    room.do(SetOwner(boss, "#fun", "carl"))
    room.do(Join(first, "#pub"))
    room.do(SetOwner(first, "#pub", None))
    room.refused(SetOwner(guest, "#pub", "carl"), Reason.NOT_OWNER, "#pub")
    room.do(Part(first, "#pub"))
    room.do(Join(first, "#pub"))
    room.do(Join(guest, "#inn"))
    room.refused(SetOwner(guest, "#inn", "carl"), Reason.TOO_MANY_OWNED, "carl")

    # What is given up goes when it is empty, and with it the invitations.
    room.do(Invite(first, "dora", "#pub"))
    room.do(Part(first, "#pub"))
    room.do(SetOwner(first, "#pub", None))
    assert "#pub" not in room.chat.channels
