"""PRIVMSG, NOTICE and TAGMSG."""

from __future__ import annotations

from typing import TYPE_CHECKING

from securechat.chat.requests import Say, Speech
from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.irc.numerics import Numeric
from securechat.irc.standard_replies import Code, fail
from securechat.irc.tags import client_only
from securechat.server.commands.command import Command
from securechat.server.lines import MULTILINE

if TYPE_CHECKING:
    from securechat.server.session import Session


CLIENT_ID = "securechat/client-id"
"""The tag by which a client calls a message of its own, and the capability with which that counts."""

MAX_CLIENT_ID = 64
"""Bytes."""


def privmsg(session: Session, message: Message) -> None:
    _say(session, message, "PRIVMSG")


def notice(session: Session, message: Message) -> None:
    _say(session, message, "NOTICE")


def tagmsg(session: Session, message: Message) -> None:
    _say(session, message, "TAGMSG")


def client_tags(session: Session, message: Message) -> str:
    """The client-only tags of a line, as they are relayed: those that the operator lets through."""
    if "message-tags" not in session.caps.enabled:
        return ""
    return client_only(message.tags, session.hub.config.server.client_tags_denied)


def client_id_of(session: Session, message: Message) -> str | None:
    """What the client calls its message (`securechat/client-id`); ``None``: that can't be a name of one."""
    if not session.client_ids:
        return ""
    client_id = message.tags.get(CLIENT_ID, "")
    if len(client_id) * 4 <= MAX_CLIENT_ID or (len(client_id) <= MAX_CLIENT_ID and client_id.isascii()):
        return client_id
    return client_id if len(client_id.encode()) <= MAX_CLIENT_ID else None


def _say(session: Session, message: Message, kind: Speech) -> None:
    params = message.params
    if not params or not params[0]:
        _refuse(session, message, session.numeric(Numeric.ERR_NORECIPIENT, kind))
        return
    text = ""
    if kind != "TAGMSG":
        if len(params) < 2 or not params[1]:
            _refuse(session, message, session.numeric(Numeric.ERR_NOTEXTTOSEND))
            return
        text = params[1]
    tags = ""
    client_id = ""
    if message.tags:
        if "batch" in message.tags and session.flavour & MULTILINE:  # what it was a line of is not open
            session.answer_in_turn(message, session.answer(fail(Code.MULTILINE_INVALID, "BATCH")))
            return
        tags = client_tags(session, message)
        called = client_id_of(session, message) if kind != "TAGMSG" else ""
        if called is None:
            _refuse(session, message, session.answer(fail(Code.INVALID_PARAMS, kind, CLIENT_ID)))
            return
        client_id = called
        if kind == "TAGMSG" and not tags and message.client_tags:
            session.answer_in_turn(message)  # all that it had to say is denied here, and so ignored
            return
    target = params[0]
    if "," not in target:
        session.submit(message, (Say(session.number, kind, target, text, tags, client_id=client_id),))
        return
    named: dict[str, str] = {}
    for part in target.split(","):
        if part:
            named.setdefault(casefold(part), part)  # whoever is named twice hears it once
    targets = list(named.values())
    most = session.hub.config.limits.targets
    if not targets:
        _refuse(session, message, session.numeric(Numeric.ERR_NORECIPIENT, kind))
        return
    if len(targets) > most:
        _refuse(session, message, session.numeric(Numeric.ERR_TOOMANYTARGETS, targets[most]))
        return
    ids = (f"{client_id}\0{place}" if client_id else "" for place in range(len(targets)))
    session.submit(
        message,
        [
            Say(session.number, kind, target, text, tags, client_id=one)
            for target, one in zip(targets, ids, strict=False)
        ],
    )


def _refuse(session: Session, message: Message, line: bytes) -> None:
    """In its place among the answers. A NOTICE is answered only where its label asks for it."""
    quiet = message.command == "NOTICE" and session.label_of(message) is None
    session.answer_in_turn(message, *(() if quiet else (line,)))


COMMANDS = (
    Command("PRIVMSG", privmsg, "<target>{,<target>} <text>", "Says something.", pipelined=True),
    Command("NOTICE", notice, "<target>{,<target>} <text>", "Says something that is never answered by a program.",
            pipelined=True),
    Command("TAGMSG", tagmsg, "<target>{,<target>}", "Sends tags without a text (IRCv3).", pipelined=True,
            capability="message-tags"),
)  # fmt: skip
