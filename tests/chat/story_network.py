"""A chapter of the story: the operators of the server, and whom they keep off it."""

from securechat.chat.model import BanKind, Role, Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import AddBan, BecomeOperator, Join, Kill, LogIn, RemoveBan, SetRules, Start, Wallops
from tests.chat.room import Room


def network(room: Room) -> None:
    room.do(Start(Rules(guests=True)))
    ivan, june = room.account("ivan", Role.ADMIN), room.account("june")
    first, second, third = room.enter(ivan, "#lobby"), room.enter(june, "#lobby"), room.enter(june)
    guest = room.enter("guest0", "#lobby", "#fun")
    room.do(SetRules(Rules(lobby="#other", channels_per_user=1)))
    room.refused(Join(first, "#fun"), Reason.TOO_MANY_CHANNELS, "#fun")

    for request in (
        Kill(second, "ivan", ""),
        Wallops(guest, "hello"),
        AddBan(guest, BanKind.ACCOUNT, "ivan", ""),
        RemoveBan(second, BanKind.ACCOUNT, "ivan"),
    ):
        room.refused(request, Reason.NO_PRIVILEGES)
    room.do(BecomeOperator(guest, "night shift"))
    room.do(BecomeOperator(guest, "night shift"))
    room.user_mode(second, "+w")
    room.do(Wallops(guest, "the night shift is here"))
    room.refused(Kill(guest, "nobody", ""), Reason.NO_SUCH_NICK, "nobody")
    room.do(Kill(first, "june", "spam"))
    second = room.enter(june, "#lobby")

    room.refused(AddBan(first, BanKind.ACCOUNT, "IVAN", ""), Reason.BAD_BAN, "ivan", "This is your own account")
    room.refused(AddBan(None, BanKind.ACCOUNT, "no nick", ""), Reason.BAD_BAN, "no nick", "This can't be an account")
    room.refused(
        AddBan(None, BanKind.NETWORK, "nowhere", ""),
        Reason.BAD_BAN,
        "nowhere",
        "This is neither an address nor a network",
    )
    room.refused(AddBan(None, BanKind.NETWORK, "::/0", ""), Reason.BAD_BAN, "::/0", "This is everybody")
    room.do(AddBan(first, BanKind.ACCOUNT, "JUNE", "spam"))
    room.refused(room.login(june), Reason.BANNED_FROM_SERVER, "spam")
    room.refused(LogIn(guest, june.id, june.credential_set, "h"), Reason.BANNED_FROM_SERVER, "spam")
    room.do(AddBan(None, BanKind.NETWORK, "192.0.2.77/24", "spam", until=room.stamp + 1000))
    room.do(AddBan(first, BanKind.NETWORK, "192.0.2.0/24", "more spam", until=room.stamp + 2000))
    visitor = room.visit("visitor")
    visitor.address = "::ffff:192.0.2.1"
    room.refused(visitor, Reason.BANNED_FROM_SERVER, "more spam")
    room.refused(RemoveBan(first, BanKind.NETWORK, "192.0.2.0/25"), Reason.NO_SUCH_BAN, "192.0.2.0/25")
    room.do(RemoveBan(first, BanKind.NETWORK, "192.0.2.9/24"))
    room.do(visitor)
    room.do(RemoveBan(None, BanKind.ACCOUNT, "june"))
    room.do(AddBan(None, BanKind.ACCOUNT, "later", "a name nobody has yet"))
    room.do(Kill(first, "ivan", "good night"))
    assert third not in room.chat.sessions
