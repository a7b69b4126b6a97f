"""Rules for metadata: keys and values of users and channels (IRCv3 metadata)."""

from __future__ import annotations

import re

from securechat.chat.channel import Channel
from securechat.chat.events import MetadataChanged
from securechat.chat.machine import Applied, Chat, rule
from securechat.chat.model import User
from securechat.chat.modes import Rank
from securechat.chat.refusals import Reason, Refused
from securechat.chat.requests import ClearMetadata, SetMetadata
from securechat.irc.names import casefold

MAX_KEY = 64

_KEY = re.compile(r"[a-z0-9_./-]{1,64}")


def valid_key(key: str) -> bool:
    """Whether it can be a key ("Keys and Values")."""
    return _KEY.fullmatch(key) is not None


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
    name = _name(target)
    key, value = request.key, request.value
    if not valid_key(key):
        raise Refused(Reason.METADATA_KEY, key)
    _check_may_set(user, target, key)
    if value is None and key not in target.metadata:
        raise Refused(Reason.METADATA_NOT_SET, name, key)
    if value is not None and len(value.encode()) > chat.rules.metadata_value_length:
        raise Refused(Reason.METADATA_VALUE)
    if value is not None and key not in target.metadata and len(target.metadata) >= chat.rules.metadata_keys:
        raise Refused(Reason.METADATA_FULL, name)
    after = dict(target.metadata)
    if value is None:
        del after[key]
    else:
        after[key] = value
    _change(chat, stamp, user, request.session, target, after, ((key, value),), applied)


@rule(ClearMetadata)
def clear_metadata(chat: Chat, stamp: int, request: ClearMetadata, applied: Applied) -> None:
    user = chat.user_of(request.session)
    target = find_target(chat, user, request.target)
    _check_may_set(user, target, "*")
    changes = tuple((key, None) for key in target.metadata)
    _change(chat, stamp, user, request.session, target, {}, changes, applied)


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
    after: dict[str, str],
    changes: tuple[tuple[str, str | None], ...],
    applied: Applied,
) -> None:
    before = target.metadata

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
    told = tuple(s for s in audience if s != session)
    applied.events.append(MetadataChanged(stamp, session, _name(target), owner_id, changes, told, user.source))
