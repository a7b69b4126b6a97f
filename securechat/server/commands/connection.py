"""Commands of the connection itself: CAP, AUTHENTICATE, PASS, NICK, USER, PING, PONG, QUIT."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from securechat.chat.requests import ChangeNick
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric
from securechat.server import answers
from securechat.server.commands.command import Command, When

if TYPE_CHECKING:
    from securechat.server.session import Session


def cap(session: Session, message: Message) -> None:
    room = 510 - len(session.line(f"CAP {session.nick} "))
    lines = session.caps.handle(message.params, room)
    replies = [session.line(f"CAP {session.nick} {' '.join([*line[:-1], ':' + line[-1]])}") for line in lines]

    @cache  # a question may be asked again, where a batch of the journal could not be stored
    def answer() -> None:
        """It still goes out as the session was before it."""
        session.reply(message, replies)
        session.note_capabilities()

    if session.registered:
        session.ask(lambda _: answer())  # in the journal's turn: no line of others comes between the two
    else:
        answer()
        session.registration.go_on(message)


def authenticate(session: Session, message: Message) -> None:
    session.authentication.authenticate(message)


def isupport(session: Session, message: Message) -> None:
    session.reply(message, [answers.isupport(session)])


def password(session: Session, message: Message) -> None:
    session.registration.take_password(message.params[0])
    session.reply(message, [])


def nick(session: Session, message: Message) -> None:
    wish = message.params[0] if message.params else ""
    if not wish:
        session.reply(message, [session.numeric(Numeric.ERR_NONICKNAMEGIVEN)])
    elif session.registered:
        session.submit(message, (ChangeNick(session.number, wish),))
        session.ask(lambda _: None)  # wait for that: what comes next may be answered at once, and to the new nick
    else:
        session.registration.take_nick(message, wish)


def user(session: Session, message: Message) -> None:
    username, realname = message.params[0], message.params[3]
    if not username or not realname:  # an empty one is as good as none
        session.reply(message, [session.numeric(Numeric.ERR_NEEDMOREPARAMS, "USER")])
    else:
        session.registration.take_user(message, username, realname)


def ping(session: Session, message: Message) -> None:
    if not message.params[0]:
        session.reply(message, [session.numeric(Numeric.ERR_NOORIGIN)])
        return
    session.reply(message, [session.line(f"PONG {session.hub.name} :{message.params[0]}")])


def pong(session: Session, message: Message) -> None:
    up_to = session.ponged(message.params[-1]) if message.params else None
    session.submit(message, ())
    if up_to is not None:
        session.collect(up_to)


def quit(session: Session, message: Message) -> None:
    reason = message.params[0] if message.params else ""
    session.reply(message, [])
    session.end(f"Quit: {reason}")  # without a reason too (Modern IRC, "QUIT message")


COMMANDS = (
    # What was asked before is rendered with the capabilities and the nick of its time: so what changes either waits
    # until it has been.
    Command("CAP", cap, "<subcommand> [:<capabilities>]", "Negotiates capabilities (IRCv3).", 0, When.ALWAYS,
            large=True),
    Command("AUTHENTICATE", authenticate, "<mechanism or data>", "Logs in with SASL (IRCv3).", 1, When.ALWAYS,
            large=True),
    Command("ISUPPORT", isupport, "", "Shows what the server supports, as 005 does (IRCv3).",
            early="draft/extended-isupport"),
    Command("PASS", password, "<password> | invite:<code>",
            "Gives the password of the server, if it has one; or the code of an invitation, for REGISTER.", 1,
            When.BEFORE),
    Command("NICK", nick, "<nick>", "Says how you want to be called.", 0, When.ALWAYS, large=True),
    Command("USER", user, "<username> 0 * <realname>", "Says who you are.", 4, When.BEFORE),
    Command("PING", ping, "<token>", "Asks for a PONG with the same token.", 1, When.ALWAYS),
    Command("PONG", pong, "<token>", "Answers a PING.", 0, When.ALWAYS),
    Command("QUIT", quit, "[<reason>]", "Leaves.", 0, When.ALWAYS),
)  # fmt: skip
