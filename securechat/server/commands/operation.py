"""OPER, by which somebody becomes an operator, and REHASH (Modern IRC, "Operator Messages")."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.requests import BecomeOperator
from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.irc.standard_replies import Code, StandardReply, fail, note
from securechat.server.authentication import LINES_FOR_A_HASH, MAX_DELAY
from securechat.server.commands.command import Command
from securechat.server.reload import ReloadRefusedError
from securechat.store.passwords import HasherClosed

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
    if not _is_right(session, name, password):
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
    """Check a name and a password, in the session's own thread, under the throttle of logins."""
    hub = session.hub
    known = hub.config.operators.get(casefold(name))
    shown = casefold(name) if known else "unknown"  # who mixes them up does not find the password in the log
    while True:
        # Counted apart from the account of the same name: a nick has no colon.
        with hub.logins.attempt(f"oper:{name}", session.address, time.monotonic()) as attempt:
            if not attempt.wait:
                try:
                    with hub.cores.anywhere():
                        right = hub.hasher.verify(password, known.password if known else None)
                except HasherClosed:
                    session.end("The server is stopping")
                    return False
                if right:
                    attempt.succeeded()
                    hub.log.info("operator", session=session.number, address=session.address, operator=shown)
                else:
                    hub.log.warning("operator refused", session=session.number, address=session.address, operator=shown)
                return right
        if attempt.wait > MAX_DELAY or not session.pause(attempt.wait):
            hub.log.warning("operator throttled", session=session.number, address=session.address, operator=shown)
            return False


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
