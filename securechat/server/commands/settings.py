"""SETTINGS: what the owner of an account has chosen of how the server treats it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.model import Settings
from securechat.chat.refusals import Reason, Refusal
from securechat.chat.requests import Request, SetAlwaysOn, SetReplay
from securechat.irc.errors import Answer
from securechat.irc.message import Message
from securechat.irc.names import casefold
from securechat.irc.standard_replies import Code, StandardReply, fail
from securechat.server import answers_history
from securechat.server.commands.command import Command
from securechat.server.replies import refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from securechat.server.session import Session

NAMES = ("always-on", "replay")

MAX_DIGITS = 9


def settings(session: Session, message: Message) -> None:
    """``SETTINGS [<name> [<value>]]``. What was changed is answered as what was asked for: with what it is now."""
    params = message.params
    name = casefold(params[0]) if params else ""
    if len(params) > 2:
        _refuse(session, message, "A setting has a name and one value")
    elif name and name not in NAMES:
        _refuse(session, message, f"The settings are {' and '.join(NAMES)}", params[0])
    elif len(params) < 2:
        _show(session, message, (name,) if name else NAMES)
    else:
        request = _request(session.number, name, casefold(params[1]))
        if request is None:
            _refuse(session, message, _values(session, name), name, params[1])
        else:
            session.submit(message, (request,), explain=lambda refused: _explained(session, refused))


def _request(session: int, name: str, value: str) -> Request | None:
    """What is to be done; ``None``: that can't be the setting's value."""
    if name == "always-on":
        return SetAlwaysOn(session, value == "on") if value in ("on", "off") else None
    if value == "default":
        return SetReplay(session, None)
    if value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
        return SetReplay(session, int(value))
    return None


def _values(session: Session, name: str) -> str:
    if name == "always-on":
        return "It is on or off"
    return f"It is a number from 0 to {session.hub.config.history.replay_most}, or default"


def _show(session: Session, message: Message, names: tuple[str, ...]) -> None:
    def ask(chat: Chat) -> Settings | None:
        user = chat.sessions.get(session.number)
        if user is None or user.account_id is None:
            return None
        return chat.settings.get(user.account_id) or Settings()

    def render(found: Settings | None) -> Iterator[bytes]:
        if found is None:
            return iter((session.answer(_account_required()),))
        config = session.hub.config
        return iter([session.answer(answers_history.setting(name, found, config)) for name in names])

    session.submit(message, (), ask, render)


def _explained(session: Session, refused: Refusal) -> Answer:
    if refused.reason is Reason.NO_ACCOUNT:
        return _account_required()
    if refused.reason is Reason.BAD_SETTING:
        name = refused.context[0]
        return fail(Code.INVALID_PARAMS, "SETTINGS", *refused.context, description=_values(session, name))
    return refusal(refused, "SETTINGS")


def _account_required() -> StandardReply:
    return fail(Code.ACCOUNT_REQUIRED, "SETTINGS", description="Settings are those of an account: log in first")


def _refuse(session: Session, message: Message, description: str, *context: str) -> None:
    reply = fail(Code.INVALID_PARAMS, "SETTINGS", *context, description=description)
    session.answer_in_turn(message, session.answer(reply))


COMMANDS = (
    Command("SETTINGS", settings, "[<name> [<value>]]",
            "Shows and changes what your account has chosen: always-on (on or off), replay (a number, or default).",
            pipelined=True),
)  # fmt: skip
