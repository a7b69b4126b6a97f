"""Tables of the configuration file about what is kept: where, how safely, for how long, and who is shown how much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from securechat.server import config_kinds as kinds
from securechat.server.config_kinds import Key
from securechat.store.retention_policy import Keep, Policy

__all__ = ["Durability", "HistoryConfig", "RetentionConfig", "SearchConfig", "StoreConfig"]

Durability = Literal["full", "normal"]


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Where everything is kept."""

    data: Annotated[
        Path | None,
        Key(kinds.path, "The data directory. By default the user's own.", 'data = "/var/lib/securechat"'),
    ] = None
    durability: Annotated[
        Durability,
        Key(
            kinds.choice("full", "normal"),
            "full: what is acknowledged survives a power cut. normal: faster, and the last moments may be lost in one.",
        ),
    ] = "full"


@dataclass(frozen=True, slots=True)
class HistoryConfig:
    """What people see of what was said before."""

    page: Annotated[
        int, Key(kinds.whole(1, 1_000), "Messages that a client can ask for at a time (draft/chathistory).")
    ] = 200
    replay: Annotated[
        int,
        Key(
            kinds.whole(0, 1_000),
            "Messages of a channel that a client which can't ask is shown by itself, of what its device has missed; "
            "0 for none. People can choose another number with SETTINGS.",
        ),
    ] = 100
    replay_most: Annotated[int, Key(kinds.whole(0, 1_000), "The highest number that they can choose.")] = 1000
    redact_seconds: Annotated[
        int,
        Key(
            kinds.whole(0, 10 * 366 * 86_400),
            "Seconds in which the author of a message can take it back (draft/message-redaction). The operators of a "
            "channel always can.",
        ),
    ] = 86_400


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """How long what was said is kept. What is older, or more, is deleted while the server runs."""

    days: Annotated[
        int, Key(kinds.whole(0, kinds.MAX_DAYS), "How many days what is said in a channel is kept. 0: for ever.")
    ] = 0
    megabytes: Annotated[
        int,
        Key(
            kinds.whole(0, kinds.MAX_MEGABYTES),
            "How many megabytes of each channel are kept; the oldest goes first. 0: all.",
        ),
    ] = 0
    private_days: Annotated[
        int, Key(kinds.whole(0, kinds.MAX_DAYS), "How many days private messages are kept. 0: for ever.")
    ] = 0
    channels: Annotated[
        Mapping[str, Mapping[str, int]],
        Key(
            kinds.kept_channels,
            'Channels of which something else is kept. Each can have a table [retention.channels."#name"] of its own, '
            "too, with days, megabytes or both.",
            'channels = {"#announcements" = {days = 0}, "#random" = {days = 30, megabytes = 100}}',
        ),
    ] = field(default_factory=dict)

    def policy(self) -> Policy:
        default = {"days": self.days, "megabytes": self.megabytes}
        channels = {name: Keep(**{**default, **table}) for name, table in self.channels.items()}
        return Policy(Keep(**default), self.private_days, channels)


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """Finding what was said (SEARCH)."""

    enabled: Annotated[
        bool,
        Key(
            kinds.flag,
            "Whether there is a search index, a file search.db beside the database. Without one nobody can search; if "
            "it is wanted again it is made anew.",
        ),
    ] = True
