"""What a client says of itself before it is on the chat (IRCv3 metadata, ``before-connect``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from securechat.chat.machine import Chat
from securechat.chat.metadata import check_change
from securechat.chat.refusals import Reason, Refusal, Refused
from securechat.chat.requests import SetMetadata

if TYPE_CHECKING:
    from securechat.server.session import Session

__all__ = ["EarlyMetadata"]


class EarlyMetadata:
    """The changes that are to be made when the session arrives. Used by questions, inside the journal's turn.

    Until then the client sees itself as it will be: with the metadata of the account that it has logged in to, and
    these changes. The chat judges them once more when they are made.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._changes: dict[str, str | None] = {}

    def now(self, chat: Chat) -> dict[str, str]:
        """The values by their keys."""
        account = self._session.account
        values = dict(chat.metadata.get(account.id, {})) if account else {}
        for key, value in self._changes.items():
            if value is None:
                values.pop(key, None)
            else:
                values[key] = value
        return values

    def set(self, chat: Chat, key: str, value: str | None) -> Refusal | None:
        """Change a key; why that can't be, or ``None``. Twice the same is as good as once."""
        try:
            check_change(chat.rules, "*", self.now(chat), key, value)
        except Refused as refused:
            return refused.refusal
        most = 2 * chat.rules.metadata_keys  # all can be removed, and all be set anew
        if key not in self._changes and len(self._changes) >= most:
            return Refusal(Reason.METADATA_FULL, ("*", str(chat.rules.metadata_keys)))
        self._changes.pop(key, None)
        self._changes[key] = value
        return None

    def clear(self, chat: Chat) -> tuple[str, ...]:
        """Remove all keys, and say which."""
        removed = tuple(self.now(chat))
        self._changes = dict.fromkeys(removed)
        return removed

    def requests(self) -> list[SetMetadata]:
        """What makes the changes once the session has arrived. First what is removed: it makes room."""
        changes = sorted(self._changes.items(), key=lambda change: change[1] is not None)
        return [SetMetadata(self._session.number, "*", key, value) for key, value in changes]

    def forget(self) -> None:
        """They have been made."""
        self._changes = {}
