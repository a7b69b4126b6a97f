"""Commands of the connection itself: CAP, AUTHENTICATE, PASS, NICK, USER, PING, PONG, QUIT, MOTD, LUSERS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from securechat.chat.requests import ChangeNick, Collect
from securechat.chat.views import population
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
    # The answer still goes out as the session was before it.
    session.reply(message, replies)
    session.note_capabilities()
    if not session.registered:
        session.registration.go_on(message)


def authenticate(session: Session, message: Message) -> None:
    if session.registered:
        code = Numeric.ERR_SASLALREADY if session.account is not None else Numeric.ERR_SASLFAIL
        session.reply(message, [session.numeric(code)])
        return
    session.registration.authenticate(message)


def password(session: Session, message: Message) -> None:
    session.registration.password = message.params[0]
    session.reply(message, [])


def nick(session: Session, message: Message) -> None:
    wish = message.params[0] if message.params else ""
    if not wish:
        session.reply(message, [session.numeric(Numeric.ERR_NONICKNAMEGIVEN)])
    elif session.registered:
        session.submit(message, (ChangeNick(session.number, wish),))
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
    up_to = session.collected(message.params[-1]) if message.params else None
    session.submit(message, () if up_to is None else (Collect(session.number, up_to),))


def quit(session: Session, message: Message) -> None:
    reason = message.params[0] if message.params else ""
    session.reply(message, [])
    session.end(f"Quit: {reason}")  # without a reason too (Modern IRC, "QUIT message")


def motd(session: Session, message: Message) -> None:
    if _elsewhere(session, message):
        return
    session.reply(message, [answers.motd(session)])


def lusers(session: Session, message: Message) -> None:
    session.submit(message, (), population, lambda there: answers.lusers(session, there))


def _elsewhere(session: Session, message: Message) -> bool:
    """Whether the question is for another server, which there is none of."""
    asked = message.params[0] if message.params else ""
    if not asked or asked.casefold() in (session.hub.name.casefold(), session.nick.casefold()):
        return False
    session.reply(message, [session.numeric(Numeric.ERR_NOSUCHSERVER, asked)])
    return True


COMMANDS = (
    Command("CAP", cap, "<subcommand> [:<capabilities>]", "Negotiates capabilities (IRCv3).", 0, When.ALWAYS),
    Command("AUTHENTICATE", authenticate, "<mechanism or data>", "Logs in with SASL (IRCv3).", 1, When.ALWAYS),
    Command("PASS", password, "<password>", "Gives the password of the server, if it has one.", 1, When.BEFORE),
    Command("NICK", nick, "<nick>", "Says how you want to be called.", 0, When.ALWAYS),
    Command("USER", user, "<username> 0 * <realname>", "Says who you are.", 4, When.BEFORE),
    Command("PING", ping, "<token>", "Asks for a PONG with the same token.", 1, When.ALWAYS),
    Command("PONG", pong, "<token>", "Answers a PING.", 0, When.ALWAYS),
    Command("QUIT", quit, "[<reason>]", "Leaves.", 0, When.ALWAYS),
    Command("MOTD", motd, "[<server>]", "Shows the message of the day."),
    Command("LUSERS", lusers, "", "Says how many are here.", pipelined=True),
)
