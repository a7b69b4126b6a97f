"""Chapters of the story: what people say of themselves, and logging in anew."""

from securechat.chat.model import Role, Rules
from securechat.chat.refusals import Reason
from securechat.chat.requests import (
    AddAccount,
    ChangeNick,
    ClearMetadata,
    Depart,
    EnableAccount,
    Join,
    LogIn,
    Registrant,
    RemoveAccount,
    Say,
    SetAway,
    SetMetadata,
    SetPassword,
    SetRealname,
    Silence,
    Start,
)
from tests.chat.room import Room

RULES = Rules(guests=True, realname_length=10, away_length=10, silenced=2, metadata_keys=2, metadata_value_length=5)


def people(room: Room) -> None:
    room.do(Start(RULES))
    faye, guy = room.account("faye"), room.account("guy")
    first, second = room.enter(faye, "#porch"), room.enter(faye)
    third, guest = room.enter(guy, "#porch"), room.enter("guest", "#porch")

    # Away, from one connection and from all.
    room.do(SetAway(first, "gone for lunch"))
    room.do(SetAway(second, "*"))
    room.do(SetAway(second, "*"))
    room.do(Say(third, "PRIVMSG", "faye", "are you there?"))
    login = room.login(faye)
    login.away = "out"
    room.do(login)
    room.do(Depart(login.session, ""))
    login = room.login(faye)
    room.do(login)
    room.do(Depart(login.session, ""))
    room.do(SetPassword("faye", "another", keep=first))
    room.do(SetAway(first, None))

    room.do(SetRealname(third, "Guy"))
    room.refused(SetRealname(third, "Guy the tenth"), Reason.BAD_REALNAME)
    room.user_mode(third, "+BRiw")
    room.user_mode(third, "+oZ")
    room.user_mode(third, "-io")
    room.refused(Say(guest, "PRIVMSG", "guy", "hello"), Reason.ACCOUNT_NEEDED_TO_SEND, "guy")
    room.do(Say(guest, "PRIVMSG", "faye", "one\ntwo", multiline=True))

    # Silence.
    room.do(Silence(guest, True, "guy"))
    room.do(Silence(guest, True, "GUY"))
    room.do(Silence(guest, True, "~a:faye"))
    room.do(Silence(first, True, "*!*@spam"))
    room.refused(Silence(guest, True, "third"), Reason.TOO_MANY_SILENCED, "third!*@*")
    room.refused(Silence(guest, True, "~m:third"), Reason.BAD_MASK, "~m:third")
    room.refused(Silence(guest, True, ""), Reason.BAD_MASK, "")
    room.do(Say(third, "PRIVMSG", "guest", "do you hear me?"))
    room.do(Silence(guest, False, "GUY"))
    room.do(Silence(guest, False, "nobody"))
    room.do(Silence(third, True, "guest"))
    room.do(Depart(third, ""))
    room.do(Say(guest, "PRIVMSG", "guy", "hello?"))
    room.do(Silence(room.enter(guy), False, "guest"))


def metadata(room: Room) -> None:
    room.do(Start(RULES))
    faye = room.chat.accounts["faye"]
    first, guest = room.enter(faye, "#porch", "#loft"), room.enter("guest", "#porch")
    room.mode(first, "#loft", "+s")
    room.do(SetMetadata(first, "*", "color", "red"))
    room.do(SetMetadata(first, "faye", "url", "here"))
    room.do(SetMetadata(first, "*", "color", "blue"))
    room.do(SetMetadata(first, "*", "color", "blue"))
    room.refused(SetMetadata(first, "*", "third", "x"), Reason.METADATA_FULL, "faye", "2")
    room.refused(SetMetadata(first, "*", "color", "orange"), Reason.METADATA_VALUE, "color")
    room.refused(SetMetadata(first, "*", "$color", "red"), Reason.METADATA_KEY, "$color")
    room.refused(SetMetadata(guest, "faye", "color", "red"), Reason.METADATA_PERMISSION, "faye", "color")
    room.refused(SetMetadata(guest, "#loft", "color", "red"), Reason.METADATA_TARGET, "#loft")
    room.refused(ClearMetadata(guest, "nobody"), Reason.METADATA_TARGET, "nobody")
    room.do(SetMetadata(guest, "*", "color", "grey"))
    room.do(SetMetadata(first, "#porch", "color", "brown"))
    room.refused(ClearMetadata(guest, "#porch"), Reason.METADATA_PERMISSION, "#porch", "*")
    room.do(SetMetadata(first, "*", "url", None))
    room.do(ClearMetadata(first, "#porch"))
    room.do(ClearMetadata(first, "*"))
    room.do(ClearMetadata(first, "*"))
    room.do(SetMetadata(first, "*", "url", "there"))


def logins(room: Room) -> None:
    """Guests become somebody, and somebody becomes somebody else."""
    room.do(Start(RULES))
    faye, guy = room.chat.accounts["faye"], room.chat.accounts["guy"]
    root = room.account("root", Role.ADMIN)
    first, second = room.enter(faye, "#porch"), room.enter(faye)
    guest = room.enter("guest", "#porch")
    room.do(SetMetadata(guest, "*", "color", "grey"))
    room.do(Silence(guest, True, "nobody"))
    room.refused(LogIn(guest, guy.id, 1, "new"), Reason.ACCOUNT_CHANGED)
    room.refused(LogIn(guest, faye.id, faye.credential_set, "new"), Reason.ACCOUNT_IN_USE, "faye")
    room.refused(LogIn(second, guy.id, guy.credential_set, "new"), Reason.ACCOUNT_IN_USE, "guy")
    room.do(LogIn(first, faye.id, faye.credential_set, "new"))
    room.do(EnableAccount("guy", False))
    room.refused(LogIn(guest, guy.id, guy.credential_set, "new"), Reason.ACCOUNT_DISABLED, "guy")
    room.do(EnableAccount("guy", True))
    room.do(LogIn(guest, guy.id, guy.credential_set, "new"))
    room.do(ChangeNick(guest, "GUY"))
    room.do(LogIn(guest, root.id, root.credential_set, "new"))
    room.do(LogIn(guest, guy.id, guy.credential_set, "old"))
    room.do(Depart(second, ""))
    room.do(SetMetadata(first, "*", "url", "where"))
    room.do(Silence(first, True, "*!*@spammer"))
    room.do(Join(guest, "#root"))
    room.mode(guest, "#root", "+v", "guy")
    room.do(AddAccount("guest", ""))

    # People make accounts themselves: on the chat, and before they come to it.
    settler = room.enter("settler", "#porch")
    room.do(SetMetadata(settler, "*", "color", "pink"))
    room.refused(AddAccount("GUY", "", by=Registrant(settler, "192.0.2.1", "h")), Reason.ACCOUNT_EXISTS, "GUY")
    room.refused(AddAccount("settler", "", by=Registrant(99, "192.0.2.1", "h")), Reason.NICK_IN_USE, "settler")
    room.do(AddAccount("Settler", "", by=Registrant(settler, "192.0.2.1", "h")))
    room.refused(AddAccount("two", "", by=Registrant(settler, "192.0.2.1", "h")), Reason.ACCOUNT_IN_USE, "Settler")
    room.do(AddAccount("early", "", by=Registrant(99, "192.0.2.1", "h")))
    room.do(RemoveAccount("faye"))
    room.do(RemoveAccount("guy"))

    # Where there are no guests a nick is the account's name, also when the account is another.
    room.do(Start(Rules()))
    fourth = room.enter(root)
    other = room.chat.accounts["guest"]
    room.do(LogIn(fourth, other.id, other.credential_set, "host"))
