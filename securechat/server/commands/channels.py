"""JOIN, PART, TOPIC, NAMES, LIST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from securechat.chat.events import ChannelView
from securechat.chat.machine import Chat
from securechat.chat.requests import Join, Part, SetTopic
from securechat.chat.views import channel_names, channel_view, list_channels, topic_of
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric
from securechat.server import answers
from securechat.server.commands.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from securechat.server.session import Session


def _split(parameter: str) -> list[str]:
    """The names in a list, each once. As many as a line has room for."""
    return list(dict.fromkeys(name for name in parameter.split(",") if name))


def _named(session: Session, message: Message) -> list[str]:
    """The channels that a line is about; when it names none, that has been answered."""
    names = _split(message.params[0])
    if not names:
        session.answer_in_turn(message, session.numeric(Numeric.ERR_NEEDMOREPARAMS, message.command))
    return names


def join(session: Session, message: Message) -> None:
    if message.params[0] == "0":  # leave all: those in which the user is when the line's turn comes
        mine = session.ask(lambda chat: channel_names(chat, session.number))
        session.submit(message, [Part(session.number, name) for name in mine])
        return
    if names := _named(session, message):
        session.submit(message, [Join(session.number, name) for name in names])


def part(session: Session, message: Message) -> None:
    reason = message.params[1] if len(message.params) > 1 else ""
    if names := _named(session, message):
        session.submit(message, [Part(session.number, name, reason) for name in names])


def topic(session: Session, message: Message) -> None:
    name = message.params[0]
    if len(message.params) > 1:
        session.submit(message, (SetTopic(session.number, name, message.params[1]),))
        return

    def render(found: tuple[ChannelView | None, bool]) -> Iterator[bytes]:
        view, member = found
        if view is None:
            return iter((session.numeric(Numeric.ERR_NOSUCHCHANNEL, name),))
        if not member:
            return iter((session.numeric(Numeric.ERR_NOTONCHANNEL, view.name),))
        return answers.topic(session, view)

    session.submit(message, (), lambda chat: topic_of(chat, session.number, name), render)


def names(session: Session, message: Message) -> None:
    wanted = _split(message.params[0]) if message.params else []

    def ask(chat: Chat) -> list[tuple[str, ChannelView | None]]:
        return [(name, channel_view(chat, name)) for name in wanted]

    def render(found: list[tuple[str, ChannelView | None]]) -> Iterator[bytes]:
        for name, view in found:
            yield from answers.names(session, name, view)
        if not found:
            yield session.numeric(Numeric.RPL_ENDOFNAMES, "*")

    session.submit(message, (), ask, render)


def list_(session: Session, message: Message) -> None:
    wanted = _split(message.params[0]) if message.params else None
    session.submit(
        message,
        (),
        lambda chat: list_channels(chat, wanted or None),
        lambda lines: answers.channel_list(session, lines),
    )


COMMANDS = (
    Command("JOIN", join, "<channel>{,<channel>} [<key>{,<key>}]", "Enters channels; 0 leaves all.", 1, pipelined=True),
    Command("PART", part, "<channel>{,<channel>} [<reason>]", "Leaves channels.", 1, pipelined=True),
    Command("TOPIC", topic, "<channel> [<topic>]", "Shows or sets the topic.", 1, pipelined=True),
    Command("NAMES", names, "<channel>{,<channel>}", "Shows who is in channels.", large=True),
    Command("LIST", list_, "[<channel>{,<channel>}]", "Shows channels.", large=True),
)
