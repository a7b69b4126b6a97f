"""The commands: one small function each, in a file with its family, in one registry."""

from __future__ import annotations

from collections.abc import Mapping

from securechat.server.commands import (
    accounts,
    batches,
    certificates,
    channels,
    connection,
    enforcement,
    history,
    information,
    invitations,
    markers,
    messages,
    metadata,
    modes,
    monitor,
    operation,
    passwords,
    presence,
    queries,
    redaction,
    search,
    settings,
)
from securechat.server.commands.command import Command, carry_out

__all__ = ["Command", "carry_out", "registry"]

_FAMILIES = (
    connection,
    accounts,
    passwords,
    certificates,
    invitations,
    channels,
    modes,
    messages,
    batches,
    presence,
    monitor,
    queries,
    history,
    markers,
    redaction,
    search,
    settings,
    metadata,
    information,
    operation,
    enforcement,
)

registry: Mapping[str, Command] = {command.name: command for family in _FAMILIES for command in family.COMMANDS}
"""All commands by name. What is not in here gets 421."""
