"""Chapters of the story: devices, those who stay while none is connected, and messages afterwards."""

from securechat.chat.events import Said
from securechat.chat.model import BanKind, Role, Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    AddAccount,
    AddBan,
    BecomeOperator,
    Collect,
    Depart,
    EnableAccount,
    ForgetIds,
    Join,
    Kick,
    Kill,
    LogIn,
    MarkRead,
    Original,
    Part,
    Redact,
    Registrant,
    RemoveAccount,
    RemoveBan,
    Say,
    SetAlwaysOn,
    SetPassword,
    SetReplay,
    Silence,
    Start,
)
from securechat.chat.stamps import EPOCH_MS, msgid
from tests.chat.room import Room

RULES = Rules(guests=True, devices=1, read_markers=2, replay_most=10, redact_seconds=10, channels_per_user=3)


def devices(room: Room) -> None:
    """Kate has a phone and a tablet, and sometimes neither; Liam stays when he goes."""
    room.do(Start(RULES))
    kate, liam = room.account("kate"), room.account("liam")
    phone = room.enter(kate, "#shed", "#lobby", device="phone")
    tablet = room.enter(kate, device="tablet")
    guest = room.enter("gus", "#shed", "#hut")
    room.do(Depart(phone, "gone", seen=room.stamp - 5))
    room.do(Depart(tablet, "gone", seen=room.stamp - 50))
    shown = room.enter(kate, device="phone", seen=room.stamp)
    login = room.login(kate, device="phone")
    login.asks = True
    room.do(login)
    room.do(Depart(login.session, "gone"))
    room.do(Collect(shown, room.stamp))
    room.do(Collect(shown, room.stamp))
    room.mode(guest, "#hut", "+o", "kate")

    room.refused(SetReplay(guest, 5), Reason.NO_ACCOUNT)
    room.refused(SetAlwaysOn(guest, True), Reason.NO_ACCOUNT)
    session = room.enter(liam, "#shed", "#hut")
    room.refused(SetReplay(session, 11), Reason.BAD_SETTING, "replay", "11")
    room.do(SetReplay(session, 5))
    room.do(SetAlwaysOn(session, True))
    room.do(SetReplay(session, None))
    room.do(BecomeOperator(session, "night shift"))
    room.do(Depart(session, "gone"))
    room.do(Say(guest, "PRIVMSG", "liam", "are you there?"))
    room.do(Say(guest, "PRIVMSG", "#shed", "is anybody?"))
    room.refused(LogIn(guest, liam.id, liam.credential_set, "h"), Reason.ACCOUNT_IN_USE, "liam")
    session = room.enter(liam)
    room.refused(LogIn(session, kate.id, kate.credential_set, "h"), Reason.ACCOUNT_IN_USE, "kate")
    room.do(SetPassword("liam", "another"))

    # The server starts again, and he is there; but no more where he is banned.
    keeper = room.enter(room.account("keeper", Role.ADMIN))
    first = room.enter(kate)
    room.mode(first, "#shed", "+b", "liam")
    room.do(Start(RULES, seen=room.stamp - 100))
    assert [user.nick for user in room.chat.users.values()] == ["liam"]
    keeper = room.enter(room.chat.accounts["keeper"])
    room.do(Kill(keeper, "liam", "come back"))
    session = room.enter(room.chat.accounts["liam"])
    room.do(EnableAccount("liam", False))
    room.do(Start(RULES))
    room.do(EnableAccount("liam", True))
    room.do(Start(RULES))
    room.do(AddBan(None, BanKind.ACCOUNT, "liam", "spam"))
    room.do(Start(RULES))
    room.do(RemoveBan(None, BanKind.ACCOUNT, "liam"))
    session = room.enter(room.chat.accounts["liam"], "#lobby")
    room.do(SetAlwaysOn(session, False))
    room.do(Depart(session, "gone"))

    # Where they were they are again, unless that was ended.
    first, guest = room.enter(kate), room.enter("gus", "#hut", "#shed")
    session = room.enter(room.chat.accounts["liam"], "#hut")
    room.do(Kick(guest, "#hut", "liam"))
    room.mode(guest, "#hut", "+b", "liam")
    room.do(Part(session, "#lobby"))
    room.mode(first, "#shed", "-b+i", "liam!*@*")
    room.mode(first, "#shed", "+I", "liam")
    room.do(Join(session, "#shed"))
    room.do(Depart(session, "gone"))
    room.mode(first, "#shed", "-iI+ks", "liam!*@*", "key")
    session = room.enter(room.chat.accounts["liam"])
    assert room.chat.sessions[session].channels.keys() == {"#shed"}
    room.do(Depart(session, "gone"))
    room.mode(first, "#shed", "-ks+b", "key", "liam")
    session = room.enter(room.chat.accounts["liam"])
    assert not room.chat.sessions[session].channels

    # A guest becomes somebody who was in other channels.
    other = room.enter("other", "#one", "#two", "#three")
    room.do(Depart(first, "gone"))
    room.do(LogIn(other, kate.id, kate.credential_set, "h"))
    room.do(Depart(other, "gone"))
    room.do(RemoveAccount("kate"))
    room.do(RemoveAccount("liam"))


def messages(room: Room) -> None:
    """What was said is taken back, said again, and read."""
    room.do(Start(RULES))
    mary, nick = room.account("mary"), room.account("nick")
    first, second = room.enter(mary, "#nook"), room.enter(nick, "#nook")
    guest = room.enter("gus", "#nook")
    outside = room.enter("outside")

    def say(session: int, target: str, text: str = "hello") -> Original:
        return original(room.one(Say(session, "PRIVMSG", target, text), Said))

    theirs, mine, hers = say(second, "#nook"), say(guest, "#nook"), say(first, "@#nook")
    private, gone, own = say(guest, "mary"), say(guest, "nick"), say(guest, "gus")
    room.refused(Redact(outside, "#nook", theirs), Reason.REDACT_TARGET, "#nook")
    room.refused(Redact(outside, "#none", theirs), Reason.REDACT_TARGET, "#none")
    room.refused(Redact(outside, "nobody", private), Reason.REDACT_TARGET, "nobody")
    room.refused(Redact(guest, "#nook", theirs), Reason.REDACT_FORBIDDEN, "#nook", msgid(theirs.stamp))
    room.refused(Redact(second, "@#nook", hers), Reason.UNKNOWN_MESSAGE, "@#nook", msgid(hers.stamp))
    room.refused(Redact(guest, "mary", theirs), Reason.UNKNOWN_MESSAGE, "mary", msgid(theirs.stamp))
    room.refused(Redact(outside, "mary", private), Reason.UNKNOWN_MESSAGE, "mary", msgid(private.stamp))
    room.refused(Redact(first, "gus", private), Reason.REDACT_FORBIDDEN, "gus", msgid(private.stamp))
    room.refused(Redact(guest, "nick", private), Reason.UNKNOWN_MESSAGE, "nick", msgid(private.stamp))
    room.do(Redact(first, "#nook", theirs, "not here"))
    room.do(Redact(first, "@#nook", hers))
    room.mode(first, "#nook", "+m")
    room.do(Redact(guest, "#nook", mine, "which nobody hears"))
    room.do(Redact(guest, "MARY", private, "a slip"))
    room.do(Redact(guest, "gus", own))
    room.do(Silence(second, True, "gus"))
    room.do(Redact(guest, "nick", gone, "nor this"))
    room.do(Depart(second, "gone"))
    room.refused(Redact(guest, "nick", gone), Reason.UNKNOWN_MESSAGE, "nick", msgid(gone.stamp))
    room.mode(first, "#nook", "-m")
    late, held, secret = say(guest, "#nook"), say(guest, "nick"), say(guest, "mary")
    room.do(Redact(guest, "nick", held))
    room.wait(11_000)
    room.refused(Redact(guest, "mary", secret), Reason.REDACT_EXPIRED, "mary", msgid(secret.stamp), "10")
    room.refused(Redact(guest, "#nook", late), Reason.REDACT_EXPIRED, "#nook", msgid(late.stamp), "10")
    room.do(Redact(first, "#nook", late))

    # Said again.
    for session, target in ((first, "#nook"), (guest, "#nook"), (guest, "nick"), (guest, "mary")):
        for number in range(2):
            room.do(Say(session, "PRIVMSG", target, "once", client_id=f"a {number % 2}"))
    room.do(Say(guest, "TAGMSG", "#nook", "", client_id="tag"))
    room.do(Say(guest, "TAGMSG", "mary", "", client_id="tag"))
    room.wait(24 * 3600 * 1000)
    room.do(Say(first, "PRIVMSG", "#nook", "once more", client_id="a 0"))
    room.do(ForgetIds(room.stamp - 5))
    room.do(ForgetIds(room.stamp + 5))

    # Read.
    now = room.stamp >> 21
    for session in (first, guest):
        room.do(MarkRead(session, "#NOOK", EPOCH_MS + now - 5))
        room.do(MarkRead(session, "#nook", EPOCH_MS + now - 6))
        room.do(MarkRead(session, "somebody", EPOCH_MS + now + 100_000))
        room.do(MarkRead(session, "another", EPOCH_MS + now))
    room.refused(MarkRead(first, "#none", 0), Reason.NO_SUCH_CHANNEL, "#none")
    room.refused(MarkRead(first, "no nick", 0), Reason.NO_SUCH_NICK, "no nick")

    # A guest who makes an account has no ids of before.
    room.do(Say(guest, "PRIVMSG", "#nook", "once", client_id="g"))
    room.do(AddAccount("gus", "hash", by=Registrant(guest, "192.0.2.1", "h")))
    room.do(Say(outside, "PRIVMSG", "mary", "once", client_id="g"))
    room.do(Depart(outside, "gone"))
    room.do(RemoveAccount("mary"))


def original(said: Said) -> Original:
    """What the log says of a message."""
    return Original(said.stamp, said.account_id, said.channel_id, said.target, said.target_id)
