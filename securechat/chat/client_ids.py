"""Messages that a client sends again, for it never saw that they were said, are known by the id that it gave them."""

from __future__ import annotations

from operator import itemgetter

from securechat.chat.events import IdsForgotten
from securechat.chat.machine import MAX_IDS, Applied, Chat, rule
from securechat.chat.model import User
from securechat.chat.requests import ForgetIds
from securechat.chat.stamps import STEP_BITS

__all__ = ["LIFETIME", "remember_id", "said_before"]

LIFETIME = 86_400_000 << STEP_BITS
"""A day, in stamps."""


def said_before(chat: Chat, stamp: int, user: User, client_id: str) -> int | None:
    """The stamp of the message that the user has said under this id within a day."""
    ids = chat.client_ids.get(user.id)
    original = ids.get(client_id) if ids is not None else None
    return original if original is not None and original > stamp - LIFETIME else None


def remember_id(chat: Chat, user: User, client_id: str, stamp: int, applied: Applied) -> None:
    party = user.id
    ids = chat.client_ids.get(party)
    if ids is None:
        applied.on_undo(lambda: chat.client_ids.pop(party, None))
        chat.client_ids[party] = {client_id: stamp}
        return
    if client_id in ids or len(ids) >= MAX_IDS:  # it is older than a day, or one has to go
        gone = client_id if client_id in ids else next(iter(ids))
        was = ids[gone]

        def restore() -> None:
            ids.pop(client_id, None)
            in_order = sorted({**ids, gone: was}.items(), key=itemgetter(1))
            ids.clear()
            ids.update(in_order)

        applied.on_undo(restore)
        del ids[gone]
    else:
        applied.on_undo(lambda: ids.pop(client_id, None))
    ids[client_id] = stamp


@rule(ForgetIds)
def forget_ids(chat: Chat, stamp: int, request: ForgetIds, applied: Applied) -> None:
    before, since = chat.client_ids, min(request.before, stamp)
    kept = {party: ids if next(iter(ids.values())) >= since else _younger(ids, since) for party, ids in before.items()}
    applied.on_undo(lambda: setattr(chat, "client_ids", before))
    chat.client_ids = {party: ids for party, ids in kept.items() if ids}
    applied.events.append(IdsForgotten(stamp, since))


def _younger(ids: dict[str, int], stamp: int) -> dict[str, int]:
    return {client_id: at for client_id, at in ids.items() if at >= stamp}
