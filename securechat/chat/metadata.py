"""Rules for metadata: keys and values of users and channels (IRCv3 metadata).

Everybody sees whatever somebody says of themselves, as they see WHOIS, and what is said of a channel that they may
know of. No key means anything to the server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from securechat.chat.channel import Channel
from securechat.chat.events import MetadataChanged
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import Rules, User
from securechat.chat.modes import Rank
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import ClearMetadata, SetMetadata
from securechat.irc.names import casefold

__all__ = ["MAX_KEY", "check_change", "find_target", "tell_difference", "valid_key", "valid_value"]

MAX_KEY: Final = 40
"""Bytes. With the longest names of a server, a nick and a channel, and the longest value, it fits into one line."""

_KEY = re.compile(rf"[a-z0-9_./-]{{1,{MAX_KEY}}}")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Change = tuple[str, str | None]
"""A key, and its value from now on; ``None``: it has none."""


def valid_key(key: str) -> bool:
    """Whether it can be a key ("Keys and Values")."""
    return _KEY.fullmatch(key) is not None


def valid_value(value: str, most: int) -> bool:
    """Whether it can be a value: one line of text of at most so many bytes, in which nothing moves a cursor."""
    return bool(value) and len(value.encode()) <= most and _CONTROLS.search(value) is None


def check_change(rules: Rules, name: str, metadata: Mapping[str, str], key: str, value: str | None) -> None:
    """Check whether a change of the metadata of whoever has this name leaves what there may be.

    Raises :class:`Refused`. To remove what is not there is no mistake, nor to set what is so already.
    """
    if not valid_key(key):
        raise Refused(Reason.METADATA_KEY, key)
    if value is None:
        return
    if not valid_value(value, rules.metadata_value_length):
        raise Refused(Reason.METADATA_VALUE, key)
    if key not in metadata and len(metadata) >= rules.metadata_keys:
        raise Refused(Reason.METADATA_FULL, name, str(rules.metadata_keys))


def find_target(chat: Chat, user: User, target: str) -> User | Channel:
    """Whose metadata is meant. Raises :class:`Refused` where there is nobody, or a channel that is hidden."""
    if target == "*":
        return user
    found: User | Channel | None
    if target.startswith("#"):
        found = chat.channels.get(casefold(target))
        if found is not None and not found.visible_to(user):
            found = None
    else:
        found = chat.users.get(casefold(target))
    if found is None:
        raise Refused(Reason.METADATA_TARGET, target)
    return found


@rule(SetMetadata)
def set_metadata(chat: Chat, stamp: int, request: SetMetadata, applied: Applied) -> None:
    """Users set their own, operators of a channel those of the channel, operators of the server everybody's."""
    user = chat.user_of(request.session)
    target = find_target(chat, user, request.target)
    key, value = request.key, request.value
    if not valid_key(key):
        raise Refused(Reason.METADATA_KEY, key)
    _check_may_set(user, target, key)
    check_change(chat.rules, _name(target), target.metadata, key, value)
    changes = ((key, value),) if target.metadata.get(key) != value else ()
    _change(chat, stamp, user, request.session, target, changes, applied)


@rule(ClearMetadata)
def clear_metadata(chat: Chat, stamp: int, request: ClearMetadata, applied: Applied) -> None:
    """Whoever may set them all may remove them all; that there are none is no mistake."""
    user = chat.user_of(request.session)
    target = find_target(chat, user, request.target)
    _check_may_set(user, target, "*")
    changes = tuple((key, None) for key in target.metadata)
    _change(chat, stamp, user, request.session, target, changes, applied)


def tell_difference(chat: Chat, stamp: int, user: User, before: Mapping[str, str], applied: Applied) -> None:
    """A user has become another account's: what was said of them is replaced by what that says of itself."""
    after = user.metadata
    removed: list[Change] = [(key, None) for key in before if key not in after]
    set_: list[Change] = [(key, value) for key, value in after.items() if before.get(key) != value]
    if removed or set_:
        peers = chat.peers(user, own=True)
        # Nothing of it is to be stored: the account's have been.
        applied.events.append(MetadataChanged(stamp, 0, user.nick, None, (*removed, *set_), peers, user.source))


def _name(target: User | Channel) -> str:
    return target.name if isinstance(target, Channel) else target.nick


def _check_may_set(user: User, target: User | Channel, key: str) -> None:
    if target is user or user.operator:
        return
    if isinstance(target, Channel):
        rank = target.rank_of(user)
        if rank is not None and rank >= Rank.OPERATOR:
            return
    raise Refused(Reason.METADATA_PERMISSION, _name(target), key)


def _change(
    chat: Chat,
    stamp: int,
    user: User,
    session: int,
    target: User | Channel,
    changes: tuple[Change, ...],
    applied: Applied,
) -> None:
    """Make the changes. Where there are none only the one who asked is told, and nothing is stored."""
    before = target.metadata
    after = dict(before)
    for key, value in changes:
        if value is None:
            after.pop(key, None)
        else:
            after[key] = value

    def put(metadata: dict[str, str]) -> None:
        target.metadata = metadata
        if isinstance(target, User) and target.account_id is not None:
            if metadata:
                chat.metadata[target.account_id] = metadata
            else:
                chat.metadata.pop(target.account_id, None)

    applied.on_undo(lambda: put(before))
    put(after)
    if isinstance(target, Channel):
        audience = target.audience
        owner_id = target.id if target.lasting else None
    else:
        audience = chat.peers(target, own=True)
        owner_id = target.account_id
    told = tuple(s for s in audience if s != session) if changes else ()
    applied.events.append(MetadataChanged(stamp, session, _name(target), owner_id, changes, told, user.source))
