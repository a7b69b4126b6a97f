"""Questions about the server, and the short ones about who is here.

MOTD, LUSERS, VERSION, ADMIN, TIME, INFO, LINKS, STATS, HELP (Modern IRC, "Server Queries and Commands"), USERHOST
(there, "Optional Messages") and ISON (RFC 2812 section 4.9).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from securechat.chat.machine import Chat
from securechat.chat.views import population
from securechat.chat.views_people import is_here, present
from securechat.irc.message import Message
from securechat.irc.names import match
from securechat.irc.numerics import Numeric
from securechat.server import answers, answers_information
from securechat.server.answers_help import help_on
from securechat.server.commands.command import Command

if TYPE_CHECKING:
    from securechat.server.session import Session

Found = TypeVar("Found")

MAX_USERHOST = 5
"""Nicks that one USERHOST asks for; more are ignored (Modern IRC, "USERHOST message")."""

_OF_OPERATORS = frozenset("chikloyCHIKLOY")
"""The letters of STATS that on other servers tell of the configuration or of people."""


def motd(session: Session, message: Message) -> None:
    _answer(session, message, 0, answers.motd)


def lusers(session: Session, message: Message) -> None:
    """``LUSERS [<mask> [<server>]]``; the mask chooses among servers, and there is one."""
    _ask(session, message, 1, population, lambda there: answers.lusers(session, there))


def version(session: Session, message: Message) -> None:
    _answer(session, message, 0, answers_information.version)


def admin(session: Session, message: Message) -> None:
    _answer(session, message, 0, answers_information.admin)


def time_(session: Session, message: Message) -> None:
    _answer(session, message, 0, answers_information.server_time)


def info(session: Session, message: Message) -> None:
    _answer(session, message, 0, answers_information.info)


def links(session: Session, message: Message) -> None:
    """``LINKS [[<server>] <mask>]``: the mask says which servers to show, the server which one is to answer."""
    *server, mask = message.params[:2] or ["*"]
    shown = match(mask, session.hub.name)
    _answer(session, message, 0 if server else None, lambda session: answers_information.links(session, shown=shown))


def stats(session: Session, message: Message) -> None:
    letter = message.params[0][:1] or "*"
    if letter in _OF_OPERATORS and not session.operator:
        session.answer_in_turn(message, session.numeric(Numeric.ERR_NOPRIVILEGES))
        return
    _answer(session, message, 1, lambda session: answers_information.stats(session, letter))


def help_(session: Session, message: Message) -> None:
    subject = message.params[0] if message.params else ""
    session.submit(message, (), None, lambda _: help_on(session, subject))


def userhost(session: Session, message: Message) -> None:
    nicks = _nicks(message)[:MAX_USERHOST]
    session.submit(
        message,
        (),
        lambda chat: present(chat, nicks),
        lambda people: answers_information.userhost(session, people),
    )


def ison(session: Session, message: Message) -> None:
    nicks = _nicks(message)
    session.submit(
        message,
        (),
        lambda chat: present(chat, nicks),
        lambda people: answers_information.ison(session, people),
    )


def _nicks(message: Message) -> list[str]:
    """One in each parameter, or several in one, as some clients have them."""
    return " ".join(message.params).split()


def _answer(
    session: Session, message: Message, place: int | None, render: Callable[[Session], Iterator[bytes]]
) -> None:
    """As `_ask`, where nothing is to be asked of the chat."""
    _ask(session, message, place, lambda _: True, lambda _: render(session))


def _ask(
    session: Session,
    message: Message,
    place: int | None,
    question: Callable[[Chat], Found],
    render: Callable[[Found], Iterator[bytes]],
) -> None:
    """Answer what may be asked of any server, if this one is meant, and else 402.

    The parameter at ``place`` says which is: by its name, a mask for that, or the nick of somebody who is connected to
    it. Without it, it is this one.
    """
    asked = message.params[place] if place is not None and place < len(message.params) else ""
    ours = not asked or match(asked, session.hub.name)

    def answer(found: Found | None) -> Iterator[bytes]:
        if found is None:
            return iter((session.numeric(Numeric.ERR_NOSUCHSERVER, asked),))
        return render(found)

    session.submit(message, (), lambda chat: question(chat) if ours or is_here(chat, asked) else None, answer)


COMMANDS = (
    Command("MOTD", motd, "[<server>]", "Shows the message of the day.", pipelined=True),
    Command("LUSERS", lusers, "[<mask> [<server>]]", "Says how many are here.", pipelined=True),
    Command("VERSION", version, "[<server>]", "Shows the server's version and what it supports.", pipelined=True),
    Command("ADMIN", admin, "[<server>]", "Says who runs the server.", pipelined=True),
    Command("TIME", time_, "[<server>]", "Shows the server's time.", pipelined=True),
    Command("INFO", info, "[<server>]", "Shows what the server is.", pipelined=True),
    Command("LINKS", links, "[[<server>] <mask>]", "Shows the servers of the network, of which there is one.",
            pipelined=True),
    Command("STATS", stats, "<letter> [<server>]", "Shows numbers of the server: u is since when it runs.", 1,
            pipelined=True),
    Command("HELP", help_, "[<subject>]", "Shows what commands there are, or tells of one.", pipelined=True),
    Command("HELPOP", help_, "[<subject>]", "The same as HELP.", pipelined=True),
    Command("USERHOST", userhost, "<nick>{ <nick>}", "Shows user and host of at most five people who are here.", 1,
            pipelined=True),
    Command("ISON", ison, "<nick>{ <nick>}", "Says which of these people are here.", 1, pipelined=True),
)  # fmt: skip
