"""JOIN, PART, KICK, INVITE, TOPIC, NAMES, LIST, RENAME, OWNER."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from securechat.chat.events import ChannelView
from securechat.chat.machine import Chat
from securechat.chat.requests import Invite, Join, Kick, Part, RenameChannel, SetOwner, SetTopic
from securechat.chat.views import channel_names, channel_view, invitations, list_channels, owner_of, topic_of
from securechat.irc.elist import parse_list
from securechat.irc.message import Message
from securechat.irc.numerics import Numeric
from securechat.server import answers
from securechat.server.commands.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from securechat.server.session import Session

LINES_FOR_A_RENAME = 10

COMPARED_A_LINE = 100
"""Comparing a mask with so many channels counts as one line more."""


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
    names = message.params[0].split(",")
    keys = message.params[1].split(",") if len(message.params) > 1 else []
    wanted: dict[str, str] = {}
    for name, key in zip_longest(names, keys[: len(names)], fillvalue=""):
        if name:
            wanted.setdefault(name, key)
    if _named(session, message):
        session.submit(message, [Join(session.number, name, key) for name, key in wanted.items()])


def part(session: Session, message: Message) -> None:
    reason = message.params[1] if len(message.params) > 1 else ""
    if names := _named(session, message):
        session.submit(message, [Part(session.number, name, reason) for name in names])


def kick(session: Session, message: Message) -> None:
    """One channel and several nicks, or as many nicks as channels (RFC 2812, section 3.2.8)."""
    channels, nicks = ([name for name in parameter.split(",") if name] for parameter in message.params[:2])
    reason = message.params[2] if len(message.params) > 2 else ""
    if not channels or not nicks:
        session.answer_in_turn(message, session.numeric(Numeric.ERR_NEEDMOREPARAMS, "KICK"))
        return
    most = session.hub.config.limits.targets
    if len(channels) == 1:
        channels *= len(nicks)
    pairs = list(dict.fromkeys(zip(channels, nicks, strict=False)))
    if len(pairs) > most:
        session.answer_in_turn(message, session.numeric(Numeric.ERR_TOOMANYTARGETS, pairs[most][1]))
        return
    session.submit(message, [Kick(session.number, channel, nick, reason) for channel, nick in pairs])


def invite(session: Session, message: Message) -> None:
    """Without parameters: shows to which channels one is invited."""
    if not message.params:
        session.submit(
            message,
            (),
            lambda chat: invitations(chat, session.number),
            lambda names: answers.invitations(session, names),
        )
    elif len(message.params) < 2:
        session.answer_in_turn(message, session.numeric(Numeric.ERR_NEEDMOREPARAMS, "INVITE"))
    else:
        session.submit(message, (Invite(session.number, message.params[0], message.params[1]),))


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
    session.charge(max(len(wanted) - 1, 0))

    def ask(chat: Chat) -> list[tuple[str, ChannelView | None]]:
        return [(name, channel_view(chat, session.number, name)) for name in wanted]

    def render(found: list[tuple[str, ChannelView | None]]) -> Iterator[bytes]:
        for name, view in found:
            yield from answers.names(session, name, view)
        if not found:
            yield session.numeric(Numeric.RPL_ENDOFNAMES, "*")

    session.submit(message, (), ask, render)


def list_(session: Session, message: Message) -> None:
    wanted = parse_list(message.params)
    masks = len(wanted.masks) + len(wanted.not_masks)
    session.charge(masks * len(session.hub.chat.channels) / COMPARED_A_LINE)
    session.submit(
        message,
        (),
        lambda chat: list_channels(chat, session.number, None if wanted.masks else list(wanted.names) or None),
        lambda lines: answers.channel_list(session, wanted, lines),
    )


def rename(session: Session, message: Message) -> None:
    """Costs more than others: all names may be shown to each member (channel-rename, "Security Considerations")."""
    session.charge(LINES_FOR_A_RENAME)
    reason = message.params[2] if len(message.params) > 2 else ""
    session.submit(message, (RenameChannel(session.number, message.params[0], message.params[1], reason),))


def owner(session: Session, message: Message) -> None:
    """``*`` for the new owner gives the channel up."""
    name = message.params[0]
    if len(message.params) > 1:
        account = None if message.params[1] == "*" else message.params[1]
        session.submit(message, (SetOwner(session.number, name, account),))
        return

    def render(found: tuple[str, str | None] | None) -> Iterator[bytes]:
        if found is None:
            yield session.numeric(Numeric.ERR_NOSUCHCHANNEL, name)
        else:
            yield session.answer(answers.owner(*found))

    session.submit(message, (), lambda chat: owner_of(chat, session.number, name), render)


COMMANDS = (
    Command("JOIN", join, "<channel>{,<channel>} [<key>{,<key>}]", "Enters channels; 0 leaves all.", 1, pipelined=True),
    Command("PART", part, "<channel>{,<channel>} [<reason>]", "Leaves channels.", 1, pipelined=True),
    Command("KICK", kick, "<channel> <nick>{,<nick>} [<reason>]", "Throws people out of a channel.", 2, pipelined=True),
    Command("INVITE", invite, "[<nick> <channel>]", "Invites somebody; alone shows your invitations.", pipelined=True),
    Command("TOPIC", topic, "<channel> [<topic>]", "Shows or sets the topic.", 1, pipelined=True),
    Command("NAMES", names, "<channel>{,<channel>}", "Shows who is in channels.", large=True),
    Command("LIST", list_, "[<channel or condition>{,<channel or condition>}]",
            "Shows channels; conditions such as >3, <10, *mask*, !*mask*, C>60, T<60.", large=True),
    Command("RENAME", rename, "<channel> <new name> [<reason>]", "Gives your channel another name (IRCv3).", 2,
            pipelined=True),
    Command("OWNER", owner, "<channel> [<account> or *]",
            "Shows whose a channel is; hands yours over, or with * gives it up.", 1, pipelined=True),
)  # fmt: skip
