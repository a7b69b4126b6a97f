"""The commands: one small function each, in a file with its family, in one registry."""

from __future__ import annotations

from collections.abc import Mapping

from securechat.server.commands import (
    accounts,
    batches,
    channels,
    connection,
    enforcement,
    information,
    messages,
    metadata,
    modes,
    monitor,
    operation,
    presence,
    queries,
)
from securechat.server.commands.command import Command, carry_out

__all__ = ["Command", "carry_out", "registry"]

_FAMILIES = (
    connection,
    accounts,
    channels,
    modes,
    messages,
    batches,
    presence,
    monitor,
    queries,
    metadata,
    information,
    operation,
    enforcement,
)

registry: Mapping[str, Command] = {command.name: command for family in _FAMILIES for command in family.COMMANDS}
"""All commands by name. What is not in here gets 421."""
