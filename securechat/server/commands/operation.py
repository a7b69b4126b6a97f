"""OPER, by which somebody becomes an operator, and REHASH (Modern IRC, "Operator Messages")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.requests import BecomeOperator
from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.irc.standard_replies import Code, StandardReply, fail, note
from securechat.server.commands.command import Command
from securechat.server.hashing import LINES_FOR_A_HASH, GaveUp, ThrottledError, check
from securechat.server.reload import ReloadRefusedError

if TYPE_CHECKING:
    from securechat.server.session import Session


def oper(session: Session, message: Message) -> None:
    """``OPER <name> <password>``, of an operator in the configuration.

    A name that does not exist takes as long as a wrong password, and gets the same answer: 464.
    """
    name, password = message.params[:2]
    if not session.hub.config.operators:
        session.reply(message, [session.numeric(Numeric.ERR_NOOPERHOST)])
        return
    session.charge(LINES_FOR_A_HASH)
    try:
        right = _is_right(session, name, password)
    except GaveUp:
        return
    if not right:
        session.reply(message, [session.numeric(Numeric.ERR_PASSWDMISMATCH)])
        return

    def ask(chat: Chat) -> bool:
        user = chat.sessions.get(session.number)
        return user is not None and user.operator

    def render(is_one: bool) -> Iterator[bytes]:
        if is_one:
            yield session.numeric(Numeric.RPL_YOUREOPER)

    session.submit(message, (BecomeOperator(session.number, casefold(name)),), ask, render)
    session.ask(lambda _: None)  # wait for that: what comes next may be for operators only


def _is_right(session: Session, name: str, password: str) -> bool:
    """Check a name and a password, in the session's own thread, under the throttle of logins. Raises `GaveUp`."""
    hub = session.hub
    known = hub.config.operators.get(casefold(name))
    shown = casefold(name) if known else "unknown"  # who mixes them up does not find the password in the log
    try:
        # Counted apart from the account of the same name: a nick has no colon.
        right = check(
            session,
            "OPER",
            "OPER",
            f"oper:{name}",
            lambda: hub.hasher.verify_in_turn(password, known.password if known else None),
            shown=shown,
        )
    except ThrottledError:
        return False
    if right:
        hub.log.info("operator", session=session.number, address=session.address, operator=shown)
    return right


def rehash(session: Session, message: Message) -> None:
    """382, and then what came of it, as FAIL or NOTE; for clients that don't know those, as NOTICE."""
    replies: list[StandardReply] = []
    try:
        done = session.hub.reloader.reload(session.nick)
    except ReloadRefusedError as refused:
        replies.append(fail(Code.CONFIG_BAD, "REHASH", description=_sentence(f"Nothing was changed: {refused}")))
    else:
        replies.append(note(Code.RELOADED, "REHASH"))
        for key in done.restart:
            replies.append(note(Code.RESTART_NEEDED, "REHASH", description=f"{key} has changed and needs a restart"))
        for warning in done.warnings:
            replies.append(note(Code.CONFIG_NOTE, "REHASH", description=_sentence(warning)))
    understood = "standard-replies" in session.caps.enabled
    lines = [
        session.answer(reply) if understood else session.line(f"NOTICE {session.nick} :REHASH: {reply.description}")
        for reply in replies
    ]
    session.reply(message, [session.numeric(Numeric.RPL_REHASHING, "configuration"), *lines])


def _sentence(text: str) -> str:
    """Fit for a line: names of files can hold anything."""
    return "".join(character if character.isprintable() else "?" for character in text)


COMMANDS = (
    Command("OPER", oper, "<name> <password>", "Makes you an operator of the server, if it knows you as one.", 2),
    Command("REHASH", rehash, "", "Has the server read its configuration and its certificate again.", operator=True),
)
