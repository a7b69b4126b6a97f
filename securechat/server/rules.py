"""What the configuration says to the chat: its rules, which come there as a request and not otherwise."""

from __future__ import annotations

from securechat.chat.model import Rules
from securechat.server.config import Config

__all__ = ["rules_of"]


def rules_of(config: Config) -> Rules:
    limits = config.limits
    return Rules(
        guests=config.accounts.guests,
        channels_per_user=limits.channels_per_user,
        channels_founded=limits.channels_founded,
        sessions_per_user=limits.sessions_per_user,
        held_per_account=limits.held_per_account,
        topic_length=limits.topic_length,
        away_length=limits.away_length,
        kick_length=limits.kick_length,
        realname_length=limits.realname_length,
        list_entries=limits.list_entries,
        silenced=limits.silence,
        metadata_keys=limits.metadata_keys,
        metadata_value_length=limits.metadata_value_length,
        redact_seconds=config.history.redact_seconds,
        read_markers=limits.read_markers,
        devices=limits.devices,
        replay=config.history.replay,
        replay_most=config.history.replay_most,
    )
