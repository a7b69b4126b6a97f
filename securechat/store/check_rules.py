"""What must be true of the rows of a store, as questions in SQL that find those of which it is not.

Each is a sentence and a query; the query gives one column, that which is wrong, as people may recognise it. The
functions of Python that they call are in :data:`FUNCTIONS`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from securechat.chat.model import BanKind, Role
from securechat.chat.modes import ALL_KINDS
from securechat.chat.stamps import msgid, parse_msgid
from securechat.irc.modes import parse_modes
from securechat.irc.names import casefold, split_source, valid_channel, valid_nick
from securechat.store.passwords import BrokenHashError, check_hash
from securechat.store.rows import Kind

__all__ = ["FUNCTIONS", "LOG_RULES", "TABLE_RULES", "Rule"]

Rule = tuple[str, str]


def _is_hash(text: str) -> bool:
    try:
        check_hash(text)
    except BrokenHashError:
        return False
    return True


def _is_source(text: str) -> bool:
    return all(split_source(text))


def _is_fingerprint(text: str, der: bytes) -> bool:
    return hashlib.sha256(der).hexdigest() == text


def _has_form(kind: int, text: str) -> bool:
    """Whether the text of a row is one that its kind can have."""
    first, separator, _ = text.partition(" ")
    if kind == Kind.KICK:
        return valid_nick(first) and bool(separator)
    if kind == Kind.RENAME:
        return valid_channel(first) and bool(separator)
    if kind == Kind.REDACT:
        return parse_msgid(first) is not None and bool(separator)
    words = text.split(" ")
    parsed = parse_modes(ALL_KINDS, words, len(words))
    return bool(parsed.changes) and not (parsed.asked or parsed.unknown or parsed.incomplete or parsed.surplus)


FUNCTIONS: Final[dict[str, Callable[..., str | bool]]] = {
    "casefolded": casefold,
    "is_channel": valid_channel,
    "is_fingerprint": _is_fingerprint,
    "is_hash": _is_hash,
    "is_nick": valid_nick,
    "is_source": _is_source,
    "has_form": _has_form,
    "msgid": msgid,
}

_KINDS: Final = ", ".join(str(int(kind)) for kind in Kind)
_ROLES: Final = ", ".join(f"'{role.value}'" for role in Role)
_BANS: Final = ", ".join(f"'{kind.value}'" for kind in BanKind)
_NO_ACCOUNT: Final = "account NOT IN (SELECT id FROM accounts)"
_NO_CHANNEL: Final = "channel NOT IN (SELECT id FROM channels)"

LOG_RULES: Final[tuple[Rule, ...]] = (
    ("of a kind that there is not", f"SELECT msgid(stamp) FROM log WHERE kind NOT IN ({_KINDS})"),  # noqa: S608
    (
        "in a channel and private at once",
        "SELECT msgid(stamp) FROM log "
        "WHERE kind IN (0, 1, 2, 11) AND channel IS NOT NULL AND target_account IS NOT NULL",
    ),
    (
        "without the channel in which it happened",
        "SELECT msgid(stamp) FROM log WHERE kind IN (4, 7, 8, 9, 10) AND channel IS NULL",
    ),
    (
        "by nobody who could have done it",
        "SELECT msgid(stamp) FROM log WHERE kind < 32 AND NOT is_source(source)",
    ),
    (
        "with a text that it can't have",
        "SELECT msgid(stamp) FROM log WHERE kind IN (8, 9, 10, 11) AND NOT has_form(kind, text)",
    ),
    (
        "taken back, and its text is there",
        "SELECT msgid(stamp) FROM log WHERE redacted IS NOT NULL AND (text != '' OR tags != '')",
    ),
    (
        "taken back before it was said",
        "SELECT msgid(stamp) FROM log WHERE redacted IS NOT NULL AND (redacted <= stamp OR kind > 2)",
    ),
)
"""Of rows of the log."""

TABLE_RULES: Final[tuple[Rule, ...]] = (
    ("an account with a name that it can't have", "SELECT name FROM accounts WHERE NOT is_nick(name)"),
    ("an account that is not found by its name", "SELECT name FROM accounts WHERE key != casefolded(name)"),
    ("an account without a role", f"SELECT name FROM accounts WHERE role NOT IN ({_ROLES})"),  # noqa: S608
    ("an account whose password can't be looked at", "SELECT name FROM accounts WHERE NOT is_hash(credential)"),
    (
        "a certificate that is not found by its fingerprint",
        "SELECT fingerprint FROM certificates WHERE NOT is_fingerprint(fingerprint, der)",
    ),
    (
        "an invite code with more uses than it had",
        "SELECT substr(digest, 1, 12) FROM invite_codes WHERE NOT (0 <= left AND left <= uses)",
    ),
    (
        "an invite code of an account that is not there",
        f"SELECT substr(digest, 1, 12) FROM invite_codes WHERE account != 0 AND {_NO_ACCOUNT}",  # noqa: S608
    ),
    ("a retired name that is not found", "SELECT key FROM retired_names WHERE key != casefolded(key)"),
    ("a channel with a name that it can't have", "SELECT name FROM channels WHERE NOT is_channel(name)"),
    ("a channel that is not found by its name", "SELECT name FROM channels WHERE key != casefolded(name)"),
    (
        "a channel that belongs to nobody who is there",
        "SELECT name FROM channels WHERE founder != 0 AND founder NOT IN (SELECT id FROM accounts)",
    ),
    (
        "a channel that is open and closed at once",
        "SELECT name FROM channels WHERE (open_since IS NULL) != "
        "(join_key IS NOT NULL OR instr(flags, 'i') > 0 OR instr(flags, 's') > 0)",
    ),
    *(
        (f"{what} of a channel that is not there", f"SELECT channel FROM {table} WHERE {_NO_CHANNEL}")  # noqa: S608
        for what, table in (
            ("an entry of a list", "channel_lists"),
            ("a right", "channel_access"),
            ("a member", "channel_members"),
        )
    ),
    *(
        (f"{what} of an account that is not there", f"SELECT account FROM {table} WHERE {_NO_ACCOUNT}")  # noqa: S608
        for what, table in (
            ("a right", "channel_access"),
            ("a membership", "channel_members"),
            ("a device", "devices"),
            ("a read marker", "read_markers"),
            ("a setting", "account_settings"),
            ("an ignored person", "silenced"),
            ("a message's id", "client_ids"),
            ("a waiting message", "held"),
            ("a certificate", "certificates"),
        )
    ),
    (
        "metadata of nobody who is there",
        "SELECT owner FROM metadata WHERE owner NOT IN (SELECT id FROM accounts UNION ALL SELECT id FROM channels)",
    ),
    ("a ban of a kind that there is not", f"SELECT mask FROM server_bans WHERE kind NOT IN ({_BANS})"),  # noqa: S608
    ("a ban that is not found by its mask", "SELECT mask FROM server_bans WHERE key != casefolded(mask)"),
    (
        "a waiting message that is not there",
        "SELECT msgid(held.stamp) FROM held LEFT JOIN log USING (stamp) "
        "WHERE kind IS NULL OR kind > 2 OR channel IS NOT NULL OR target_account IS NOT held.account",
    ),
    (
        "a message's id of a message that is not there",
        "SELECT msgid(client_ids.stamp) FROM client_ids LEFT JOIN log USING (stamp) WHERE kind IS NULL OR kind > 2",
    ),
    (
        "a text that waits to be erased, of a message that was not taken back",
        "SELECT msgid(erased.stamp) FROM erased LEFT JOIN log USING (stamp) WHERE redacted IS NULL",
    ),
    (
        "a place in a channel of a row that is not there",
        "SELECT msgid(log_channels.stamp) FROM log_channels LEFT JOIN log USING (stamp) "
        "WHERE kind IS NULL OR kind NOT IN (3, 5, 6) OR log.channel IS NOT NULL",
    ),
    ("not one note of the last transaction", "SELECT count(*) FROM committed HAVING count(*) != 1"),
    ("a key of guests that is none", "SELECT length(key) FROM host_key WHERE length(key) != 16"),
)
"""Of rows of the other tables."""
