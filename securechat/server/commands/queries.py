"""Questions about people: WHO, WHOIS, WHOWAS (Modern IRC, "User-Based Queries"; IRCv3 WHOX)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.views_metadata import Described, described
from securechat.chat.views_people import Person, Whois, candidates, members, person, visible, whois
from securechat.irc.message import Message
from securechat.irc.names import Mask, casefold, valid_nick
from securechat.irc.numerics import Numeric
from securechat.irc.whox import parse_whox
from securechat.server import answers_metadata, answers_people, metadata_sync
from securechat.server.commands.command import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from securechat.server.session import Session

MOST_FOUND = 500
"""People whom one WHO with a mask shows ("Servers MAY filter or limit visible users replies arbitrarily")."""

COMPARED_A_LINE = 100
"""Comparing a mask with so many people counts as one line more."""


def who_(session: Session, message: Message) -> None:
    """``WHO <channel, nick or mask> [o][%<fields>[,<token>]]``: with ``o`` only operators of the server.

    What can be a nick is one. Any other mask is compared with nicks, user names, hosts, real names, ``nick!user@host``
    and the server's name; ``0`` (RFC 1459) is everybody, and so is no parameter.
    """
    mask = message.params[0] if message.params else "*"
    options = message.params[1] if len(message.params) > 1 else ""
    fields = parse_whox(options)
    only_operators = "o" in options.partition("%")[0]
    question = _question(session, mask, only_operators)

    def render(people: list[Person]) -> Iterator[bytes]:
        shown = (person for person in people if person.operator or not only_operators)
        return answers_people.who(session, mask, fields, shown)

    session.submit(message, (), question, render)


def _question(session: Session, mask: str, only_operators: bool) -> Callable[[Chat], list[Person]]:
    number = session.number
    if mask.startswith("#"):
        return lambda chat: members(chat, number, mask)
    if valid_nick(mask):
        return lambda chat: person(chat, number, mask)
    keys = _matching(session, mask, only_operators)
    return lambda chat: visible(chat, number, keys)[:MOST_FOUND]


def _matching(session: Session, mask: str, only_operators: bool) -> list[str]:
    """Who matches, as keys. They are compared here, in the session's own thread: nobody waits for a hostile mask."""
    session.charge(len(session.hub.sessions) / COMPARED_A_LINE)
    pattern = Mask(mask)
    everybody = mask == "0" or pattern.match(session.hub.name)
    matching = (
        one
        for one in session.ask(candidates)
        if (one.operator or not only_operators) and (everybody or any(pattern.match(text) for text in one.texts))
    )
    # Which of the invisible may be seen is found out in the turn: so they are not to crowd out the others.
    found: dict[bool, list[str]] = {False: [], True: []}
    for one in matching:
        if len(found[one.invisible]) < MOST_FOUND:
            found[one.invisible].append(one.key)
        elif not one.invisible:
            break
    return found[False] + found[True]


def whois_(session: Session, message: Message) -> None:
    """``WHOIS <nick>`` or ``WHOIS <server or nick> <nick>``: there is one server. Of several nicks the first counts."""
    *server, asked = message.params[:2] or [""]
    nick = asked.partition(",")[0]
    if not nick:
        session.answer_in_turn(message, session.numeric(Numeric.ERR_NONICKNAMEGIVEN))
        return

    def ask(chat: Chat) -> tuple[bool, Whois | None, Described | None]:
        # Many clients name the nick twice, to be told the idle time; then it is the nick that is not there.
        names = {casefold(name) for name in server} - {casefold(session.hub.name), casefold(nick)}
        said = described(chat, session.number, nick) if metadata_sync.aware(session) else None
        return names <= chat.users.keys(), whois(chat, session.number, nick), said

    def render(found: tuple[bool, Whois | None, Described | None]) -> Iterator[bytes]:
        here, shown, said = found
        if not here:
            yield session.numeric(Numeric.ERR_NOSUCHSERVER, server[0])
        elif shown is None:
            yield session.numeric(Numeric.ERR_NOSUCHNICK, nick)
        else:
            yield from answers_people.whois(session, shown)
            if said is not None:
                yield from answers_metadata.whois(session, said)
        yield session.numeric(Numeric.RPL_ENDOFWHOIS, asked)

    session.submit(message, (), ask, render)


def whowas_(session: Session, message: Message) -> None:
    """``WHOWAS <nick> [<count>]``; a count that is not positive is none."""
    asked = message.params[0] if message.params else ""
    nick = asked.partition(",")[0]
    if not nick:
        session.answer_in_turn(message, session.numeric(Numeric.ERR_NONICKNAMEGIVEN))
        return
    count = message.params[1] if len(message.params) > 1 else ""
    most = int(count) if count.isascii() and count.isdigit() else 0

    def render(_: None) -> Iterator[bytes]:
        """Called in the turn, when all that was before has been delivered, and so is remembered."""
        return answers_people.whowas(session, asked, nick, session.hub.whowas.of(nick, most or None))

    session.submit(message, (), None, render)


COMMANDS = (
    Command("WHO", who_, "[<mask> [o][%<fields>[,<token>]]]", "Shows who is here, or in a channel.", large=True),
    Command("WHOIS", whois_, "[<server>] <nick>", "Shows who somebody is.", pipelined=True),
    Command("WHOWAS", whowas_, "<nick> [<count>]", "Shows who somebody was that has gone.", pipelined=True),
)
