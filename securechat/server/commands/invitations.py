"""INVITATION: what an invite code is worth; and for operators, making them, which there are, and taking them back.

An invitation is the link in which such a code stands. With the code somebody makes an account (REGISTER, in
`accounts`), or sets the password of theirs anew. `securechat invite` is the same from the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from securechat.chat.invite_codes import state_of
from securechat.chat.model import InviteCode
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import MakeInviteCode, RevokeInviteCode
from securechat.chat.stamps import iso_time
from securechat.irc.errors import Answer
from securechat.irc.message import Message
from securechat.irc.names import valid_nick
from securechat.irc.numerics import Numeric
from securechat.irc.split import fit
from securechat.irc.standard_replies import Code, StandardReply, fail, note, warn
from securechat.server.commands.command import Command, When
from securechat.server.invitations import (
    MAX_USES,
    NOT_GOOD,
    THROTTLED,
    TOO_MANY_WRONG,
    USUAL_SECONDS,
    digest_of,
    end_in,
    lasting,
    link_to,
    log_made,
    log_refused,
    log_revoked,
    look,
    new_code,
    now,
    purpose_of,
)
from securechat.server.replies import refusal
from securechat.server.whereabouts import UnknownWhereaboutsError, Wanted, Whereabouts, whereabouts

if TYPE_CHECKING:
    from securechat.server.session import Session

COMMAND = "INVITATION"

_MAX_SHOWN = 64
"""Bytes of a word that is repeated in an answer."""


def invitation(session: Session, message: Message) -> None:
    """``CHECK`` for everybody; the others for operators of the server."""
    what, *words = message.params
    subcommand = what.upper()
    if subcommand == "CHECK" and words:
        _check(session, message, words[0])
        return
    handler = _FOR_OPERATORS.get(subcommand)
    if handler is not None and not session.registered:
        session.reply(message, [session.numeric(Numeric.ERR_NOTREGISTERED)])
    elif handler is not None and not session.operator:
        session.reply(message, [session.numeric(Numeric.ERR_NOPRIVILEGES)])
    elif handler is not None and (words or subcommand != "REVOKE"):
        handler(session, message, words)
    elif handler is not None or subcommand == "CHECK":
        session.reply(message, [session.numeric(Numeric.ERR_NEEDMOREPARAMS, COMMAND)])
    else:
        _fail(session, message, Code.INVALID_PARAMS, what)


def _fail(session: Session, message: Message, code: Code, *context: str, description: str | None = None) -> None:
    shown = [fit(word, _MAX_SHOWN) for word in context]
    session.reply(message, [session.answer(fail(code, COMMAND, *shown, description=description))])


# -- CHECK ------------------------------------------------------------------------------------------------------------


def _check(session: Session, message: Message, text: str) -> None:
    looked = look(session, digest_of(text))
    if looked.why == THROTTLED:
        _fail(session, message, Code.TEMPORARILY_UNAVAILABLE, description=TOO_MANY_WRONG)
    elif looked.code is None or looked.why:
        if looked.code is not None:
            log_refused(session, looked.code, looked.why)
        _fail(session, message, NOT_GOOD[looked.why])
    else:
        session.reply(message, [session.answer(_worth(looked.code))])


def _worth(code: InviteCode) -> StandardReply:
    """What one is told of a code that is good. That it makes administrators is their maker's business."""
    until = iso_time(code.until)
    if code.account_id:
        kind, description = "reset", f"It sets the password of {code.name} anew, until {until}"
    elif code.name:
        kind, description = "account", f"You are invited as {code.name}, until {until}"
    else:
        kind, description = "account", f"You are invited, until {until}"
    return note(Code.VALID, COMMAND, code.name or "*", kind, description=description)


# -- NEW --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the words of NEW ask for."""

    name: str = ""
    admin: bool = False
    uses: int = 1
    seconds: int = USUAL_SECONDS
    where: Wanted = field(default_factory=Wanted)


def _read_for(wish: _Wish, value: str) -> _Wish | None:
    return replace(wish, name=value) if valid_nick(value) else None


def _read_uses(wish: _Wish, value: str) -> _Wish | None:
    uses = _number(value, 4)
    return replace(wish, uses=uses) if 1 <= uses <= MAX_USES else None


def _read_expires(wish: _Wish, value: str) -> _Wish | None:
    seconds = lasting(value)
    return replace(wish, seconds=seconds) if seconds is not None else None


def _read_admin(wish: _Wish, value: str) -> _Wish | None:
    return replace(wish, admin=True) if not value else None


def _read_host(wish: _Wish, value: str) -> _Wish | None:
    return replace(wish, where=replace(wish.where, host=value)) if value else None


def _read_port(wish: _Wish, value: str) -> _Wish | None:
    port = _number(value, 5)
    return replace(wish, where=replace(wish.where, port=port)) if 1 <= port <= 65_535 else None


def _number(text: str, digits: int) -> int:
    """What the digits say; -1 where there are others characters, or more."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else -1


_WORDS: dict[str, tuple[Callable[[_Wish, str], _Wish | None], str]] = {
    "for": (_read_for, "for=NAME has the name that the account is to get"),
    "uses": (_read_uses, f"uses=N is a number from 1 to {MAX_USES}"),
    "expires": (_read_expires, "expires=TIME is like 30m, 24h or 7d, at least a minute and at most 365d"),
    "admin": (_read_admin, "admin has no value"),
    "host": (_read_host, "host=NAME is the name by which others reach the server"),
    "port": (_read_port, "port=N is a number from 1 to 65535"),
}


def _new(session: Session, message: Message, words: list[str]) -> None:
    """``NEW [for=NAME] [uses=N] [expires=24h] [admin] [host=H] [port=P]``."""
    wish, seen = _Wish(), set[str]()
    for word in words:
        name, _, value = word.partition("=")
        reader, about = _WORDS.get(name.lower(), (None, f"The words are {', '.join(_WORDS)}"))
        read = reader(wish, value) if reader is not None and name.lower() not in seen else None
        if read is None:
            _fail(session, message, Code.INVALID_PARAMS, word, description=about)
            return
        wish = read
        seen.add(name.lower())
    if wish.name and wish.uses > 1:
        _fail(session, message, Code.INVALID_PARAMS, f"uses={wish.uses}", description="One name can be given once")
        return
    try:
        where = whereabouts(session.hub.config, session.hub.listening, wish.where)
    except UnknownWhereaboutsError as error:
        _fail(session, message, Code.TEMPORARILY_UNAVAILABLE, description=_sentence(str(error)))
        return
    _make(session, message, wish, where)


def _make(session: Session, message: Message, wish: _Wish, where: Whereabouts) -> None:
    code, digest = new_code()
    request = MakeInviteCode(
        session.number, digest, wish.name, wish.admin, wish.uses, end_in(session.hub, wish.seconds)
    )
    outcome, made = session.do(request, lambda chat: chat.invite_codes.get(digest))
    if isinstance(outcome, Refusal):
        if outcome.reason is Reason.NO_PRIVILEGES and session.operator:
            session.reply(message, [session.numeric(Numeric.ERR_NOPRIVS, "admin")])
        else:
            session.reply(message, [session.answer(_explained(outcome))])
    elif made is not None:
        log_made(session.hub, made)
        warnings = [warn(Code.DOUBTFUL_LINK, COMMAND, description=_sentence(warning)) for warning in where.warnings]
        link = note(Code.LINK, COMMAND, made.id, iso_time(made.until), description=link_to(where, code))
        session.reply(message, [session.answer(reply) for reply in (*warnings, link)])


def _explained(refused: Refusal) -> Answer:
    match refused.reason:
        case Reason.ACCOUNT_EXISTS:
            return fail(Code.ACCOUNT_EXISTS, COMMAND, *refused.context)
        case Reason.TOO_MANY_INVITE_CODES:
            many = "There are as many invitations as there may be: revoke some of them"
            return fail(Code.LIMIT_REACHED, COMMAND, description=many)
        case Reason.NO_SUCH_INVITE_CODE:
            return fail(Code.NO_SUCH_INVITATION, COMMAND, *refused.context)
    return refusal(refused, COMMAND)


def _sentence(text: str) -> str:
    """Fit for a line: names of files can hold anything."""
    return "".join(character if character.isprintable() else "?" for character in text)


# -- LIST and REVOKE --------------------------------------------------------------------------------------------------


def _list(session: Session, message: Message, words: list[str]) -> None:
    del words
    session.submit(message, (), lambda chat: list(chat.invite_codes.values()), lambda found: _shown(session, found))


def _shown(session: Session, found: Iterable[InviteCode]) -> Iterator[bytes]:
    moment = now(session.hub)
    for code in sorted(found, key=lambda code: code.made):
        about = f"made by {code.by}; {state_of(code, moment) or 'open'}"
        uses, until = f"{code.left}/{code.uses}", iso_time(code.until)
        words = (code.id, uses, until, code.name or "*", purpose_of(code))
        yield session.answer(note(Code.INVITED, COMMAND, *words, description=about))
    yield session.answer(note(Code.END_OF_INVITATIONS, COMMAND))


def _revoke(session: Session, message: Message, words: list[str]) -> None:
    id = fit(words[0], _MAX_SHOWN).lower()
    outcome, _ = session.do(RevokeInviteCode(session.number, id), lambda _: None)
    if isinstance(outcome, Refusal):
        session.reply(message, [session.answer(_explained(outcome))])
    else:
        log_revoked(session.hub, id, session.nick)
        session.reply(message, [session.answer(note(Code.REVOKED, COMMAND, id))])


_FOR_OPERATORS: dict[str, Callable[[Session, Message, list[str]], None]] = {
    "NEW": _new,
    "LIST": _list,
    "REVOKE": _revoke,
}


COMMANDS = (
    Command(COMMAND, invitation,
            "CHECK <code> | NEW [for=<name>] [uses=<n>] [expires=<time>] [admin] [host=<host>] [port=<n>] | LIST "
            "| REVOKE <id>",
            "Says whether the code of an invitation is good. For operators: makes links that let people in, and takes "
            "them back.", 1, When.ALWAYS, large=True),
)  # fmt: skip
