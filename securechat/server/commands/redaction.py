"""REDACT: a message is taken back (IRCv3 draft/message-redaction)."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from securechat.chat.redaction import unknown
from securechat.chat.requests import Redact
from securechat.chat.stamps import parse_msgid
from securechat.irc.message import Message
from securechat.irc.standard_replies import Code, fail
from securechat.server.commands.command import Command
from securechat.server.replies import refusal

if TYPE_CHECKING:
    from securechat.server.session import Session


def redact(session: Session, message: Message) -> None:
    """``REDACT <target> <msgid> [<reason>]``.

    What was said before on this connection is in the log by now, for this waits until it is answered. Nothing but the
    log knows of a message, so what the rules need is read from there first.
    """
    target, called, reason = [*message.params, ""][:3]
    stamp = parse_msgid(called)
    try:
        original = session.hub.database.original(stamp) if stamp is not None else None
    except sqlite3.Error as error:
        session.hub.on_error("a message could not be read", error)
        session.reply(message, [session.answer(fail(Code.TEMPORARILY_UNAVAILABLE, "REDACT", target))])
        return
    if original is not None:
        session.submit(message, (Redact(session.number, target, original, reason),))
        return
    session.submit(
        message,
        (),
        lambda chat: unknown(chat, session.number, target, called),
        lambda refused: [session.answer(refusal(refused, "REDACT"))],
    )


COMMANDS = (
    Command("REDACT", redact, "<target> <msgid> [<reason>]", "Takes back a message (IRCv3).", 2,
            capability="draft/message-redaction"),
)  # fmt: skip
