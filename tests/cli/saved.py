"""Saved servers in a home, for commands that are run as processes."""

from datetime import UTC, datetime
from pathlib import Path

from securechat.client.servers import SYSTEM, SavedServer, SavedServers
from securechat.pki import Authority, Purpose
from securechat.pki.certificate import spki_fingerprint

NOW = datetime.now(UTC)
AUTHORITY = Authority.create(Purpose.SERVERS, now=NOW)
TRUST = spki_fingerprint(AUTHORITY.certificate.public_key())
WORK = SavedServer("work", "chat.example.org", 6697, "alice", TRUST)
PUBLIC = SavedServer("public", "irc.example.net", 7000, "bob", SYSTEM, device="phone")


def saved_in(home: Path) -> SavedServers:
    """Where a process with this home looks."""
    return SavedServers(home / ".local" / "share" / "securechat" / "servers")


def save_two(home: Path) -> SavedServers:
    """One with an authority of its own, one that the system's vouch for."""
    servers = saved_in(home)
    servers.put(WORK, AUTHORITY.certificate)
    servers.put(PUBLIC, None)
    return servers
