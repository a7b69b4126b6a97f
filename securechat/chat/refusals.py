"""Why a request was refused. The server puts each into the words that the protocol has for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["Reason", "Refusal", "Refused"]


class Reason(Enum):
    """One for each answer that differs."""

    NO_SUCH_SESSION = auto()
    NO_SUCH_NICK = auto()
    NO_SUCH_CHANNEL = auto()
    BAD_CHANNEL_NAME = auto()
    NOT_ON_CHANNEL = auto()
    NOT_IN_CHANNEL = auto()
    """Somebody else is not."""
    ALREADY_ON_CHANNEL = auto()
    CANNOT_SEND = auto()
    NO_CTCP = auto()
    ACCOUNT_NEEDED_TO_SEND = auto()
    BANNED_FROM_CHANNEL = auto()
    INVITE_ONLY = auto()
    ACCOUNT_NEEDED = auto()
    BAD_KEY = auto()
    CHANNEL_FULL = auto()
    UNKNOWN_MODE = auto()
    BAD_MODE_PARAMETER = auto()
    LIST_FULL = auto()
    CHANNEL_NAME_IN_USE = auto()
    CANNOT_RENAME = auto()
    NOT_OWNER = auto()
    TOO_MANY_OWNED = auto()
    TOO_MANY_CHANNELS = auto()
    NOT_OPERATOR = auto()
    NICK_IN_USE = auto()
    NICK_BELONGS_TO_ACCOUNT = auto()
    NICK_IS_ACCOUNT_NAME = auto()
    BAD_NICK = auto()
    BAD_REALNAME = auto()
    BAD_MASK = auto()
    TOO_MANY_SILENCED = auto()
    TOO_MANY_SESSIONS = auto()
    TOO_MANY_HELD = auto()
    ACCOUNT_REQUIRED = auto()
    ACCOUNT_CHANGED = auto()
    ACCOUNT_DISABLED = auto()
    ACCOUNT_IN_USE = auto()
    ACCOUNT_EXISTS = auto()
    NO_SUCH_ACCOUNT = auto()
    BAD_ACCOUNT_NAME = auto()
    BANNED_FROM_SERVER = auto()
    NO_PRIVILEGES = auto()
    BAD_BAN = auto()
    NO_SUCH_BAN = auto()
    METADATA_TARGET = auto()
    METADATA_KEY = auto()
    METADATA_VALUE = auto()
    METADATA_PERMISSION = auto()
    METADATA_FULL = auto()
    NO_ACCOUNT = auto()
    """Only who has an account can have that."""
    BAD_SETTING = auto()
    UNKNOWN_MESSAGE = auto()
    REDACT_TARGET = auto()
    REDACT_FORBIDDEN = auto()
    REDACT_EXPIRED = auto()
    CERTIFICATE_EXISTS = auto()
    TOO_MANY_CERTIFICATES = auto()
    NO_SUCH_CERTIFICATE = auto()
    BAD_INVITE_CODE = auto()
    TOO_MANY_INVITE_CODES = auto()
    NO_SUCH_INVITE_CODE = auto()
    NOT_STORED = auto()
    INTERNAL = auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a refused request comes back with. ``context`` are the names it is about, such as a channel's."""

    reason: Reason
    context: tuple[str, ...] = ()


class Refused(Exception):  # noqa: N818 - it says what happened
    """Raised by the rules, and turned into a :class:`Refusal` by :meth:`Chat.apply`."""

    def __init__(self, reason: Reason, *context: str) -> None:
        super().__init__(reason.name, *context)
        self.refusal = Refusal(reason, context)
