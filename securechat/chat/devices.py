"""The devices of an account: up to where each has seen what was said.

A device is known by the name that it logs in with (``alice@phone``). The one without a name stands for the account:
whatever device it was that came last.
"""

from __future__ import annotations

from securechat.chat.events import DeviceSeen, DevicesSeen
from securechat.chat.machine import Applied, Chat
from securechat.chat.model import Account, User
from securechat.chat.requests import Arrive

__all__ = ["all_gone", "caught_up", "devices_here", "here", "missed_since", "note_left"]


def missed_since(chat: Chat, user: User | None, account: Account | None, request: Arrive) -> int | None:
    """The stamp after which the device that comes has seen nothing; ``None``: it has missed nothing that we know of.

    A name that is new has missed what the account has. That has missed nothing while another session is there.
    """
    if account is None:
        return None
    known = chat.devices.get(account.id, {})
    seen = known.get(request.device) if request.device else None
    if seen is not None:
        return max(seen, request.seen)
    return None if user is not None and user.sessions else known.get("")


def devices_here(chat: Chat, stamp: int, account: Account, device: str, applied: Applied) -> tuple[str, ...]:
    """A device has come: under which names the account is there. One that was never there sees all from now on."""
    names = (device, "") if device else ("",)
    known = chat.devices.get(account.id, {})
    new = {name: stamp for name in names if name not in known}
    if new:
        _put(chat, account.id, {**known, **new}, applied)
    return names


def note_left(
    chat: Chat, stamp: int, user: User, device: str, up_to: int, applied: Applied, *, gone: bool = False
) -> None:
    """A session of the user has gone, which was on this device, and had seen what was said up to ``up_to``.

    ``gone``: so has all that the account had, though not the user.
    """
    account_id = user.account_id
    assert account_id is not None
    names = {"": None, **({device: None} if device else {}), **(dict.fromkeys(user.devices.values()) if gone else {})}
    there = _names_of(user) if not gone else {}
    _tell(stamp, _note(chat, account_id, names, up_to, there, applied), applied)


def caught_up(chat: Chat, stamp: int, user: User, session: int, up_to: int, applied: Applied) -> None:
    """A session has all that it was shown of what it had missed: from now on its device counts as being there."""
    if user.account_id is None or session not in user.catching_up:
        return
    applied.on_undo(lambda: user.catching_up.add(session))
    user.catching_up.discard(session)
    device = user.devices.get(session, "")
    names: dict[str, None] = {"": None, device: None}
    _tell(stamp, _note(chat, user.account_id, names, up_to, _names_of(user), applied), applied)


def here(chat: Chat) -> dict[int, dict[str, None]]:
    """By account id: the devices that are there, or were when the last server ended without a word."""
    found = {account_id: names.copy() for account_id, names in chat.left_behind.items()}
    for account_id, user in chat.users_by_account.items():
        names = _names_of(user)
        if names:
            found.setdefault(account_id, {}).update(names)
    return found


def all_gone(chat: Chat, stamp: int, up_to: int, applied: Applied) -> None:
    """The last server has ended, perhaps without a word: devices that were there have seen what was said up to
    ``up_to``."""
    behind, before = here(chat), chat.left_behind
    if not behind:
        return
    applied.on_undo(lambda: setattr(chat, "left_behind", before))
    chat.left_behind = {}
    ended = [
        device
        for account_id, names in sorted(behind.items())
        for device in _note(chat, account_id, dict(sorted(names.items())), up_to, {}, applied)
    ]
    _tell(stamp, ended, applied)


def _names_of(user: User) -> dict[str, None]:
    """Under which names somebody is there. Not those that may not have what they have missed: should the server end now
    without a word, they are shown it again."""
    there = [session for session in user.sessions if session not in user.catching_up]
    names = dict.fromkeys(user.devices[session] for session in there if session in user.devices)
    return {"": None, **names} if there else names


def _note(
    chat: Chat, account_id: int, names: dict[str, None], up_to: int, there: dict[str, None], applied: Applied
) -> list[DeviceSeen]:
    """Devices with these names have seen what was said up to ``up_to``, if not more; of more than there is room for
    those that have seen the least are forgotten."""
    known = chat.devices.get(account_id, {})
    after = {**known, **{name: max(up_to, known.get(name, 0)) for name in names}}
    absent = sorted((at, name) for name, at in after.items() if name and name not in there)
    dropped = [name for _, name in absent[: max(len(after) - 1 - chat.rules.devices, 0)]]
    for name in dropped:
        del after[name]
    _put(chat, account_id, after, applied)
    return [
        *(DeviceSeen(account_id, name, after[name], name in there) for name in names if name in after),
        *(DeviceSeen(account_id, name, None) for name in dropped),
    ]


def _put(chat: Chat, account_id: int, devices: dict[str, int], applied: Applied) -> None:
    before = chat.devices.get(account_id)

    def restore() -> None:
        if before is None:
            chat.devices.pop(account_id, None)
        else:
            chat.devices[account_id] = before

    applied.on_undo(restore)
    chat.devices[account_id] = devices


def _tell(stamp: int, devices: list[DeviceSeen], applied: Applied) -> None:
    """One event, however many sessions a request ends: what comes later of a device stands behind what was before."""
    for event in applied.events:
        if isinstance(event, DevicesSeen):
            event.devices += tuple(devices)
            return
    if devices:
        applied.events.append(DevicesSeen(stamp, tuple(devices)))
