"""The tables. ``PRAGMA user_version`` says which version of them a file has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["MIGRATIONS", "SCHEMA", "VERSION", "Change"]

Change = tuple[str, tuple[Any, ...]]
"""An SQL statement and its parameters."""

VERSION = 5

SCHEMA = """
-- Accepted events, in the one order that there is.
CREATE TABLE log (
    stamp          INTEGER PRIMARY KEY,  -- place, time and msgid in one (securechat.chat.stamps)
    kind           INTEGER NOT NULL,     -- securechat.store.rows.Kind
    channel        INTEGER,              -- channels.id
    account        INTEGER,              -- accounts.id of who did it; of a message also User.id of a guest
    source         TEXT NOT NULL,        -- nick!user@host of who did it
    target         TEXT NOT NULL,        -- the channel, nick or account as it was written
    target_account INTEGER,              -- accounts.id, or User.id of a guest, of whom a private message is for
    text           TEXT NOT NULL,
    tags           TEXT NOT NULL,        -- client-only tags, as they came
    bot            INTEGER NOT NULL DEFAULT 0, -- who did it says of themselves that they are a program
    redacted       INTEGER               -- the stamp of the row that took it back; the text is gone
);

-- What was said in a channel, and what else happened in it; in order, for every index has the row's number too.
CREATE INDEX log_speech ON log (channel) WHERE channel IS NOT NULL AND kind < 3;
CREATE INDEX log_events ON log (channel) WHERE channel IS NOT NULL AND kind > 2 AND kind < 32;
-- Private messages: of two users, and all of one.
CREATE INDEX log_sent ON log (account, target_account) WHERE target_account IS NOT NULL AND kind < 3;
CREATE INDEX log_received ON log (target_account, account) WHERE target_account IS NOT NULL AND kind < 3;

-- Rows of the log that are seen in several channels: who quits, has another nick, comes back.
CREATE TABLE log_channels (
    channel        INTEGER NOT NULL,     -- channels.id
    stamp          INTEGER NOT NULL,     -- log.stamp
    PRIMARY KEY (channel, stamp)
) WITHOUT ROWID;

-- What clients called their messages of the last day: said again, they are not stored again.
CREATE TABLE client_ids (
    stamp          INTEGER PRIMARY KEY,  -- log.stamp
    account        INTEGER NOT NULL,
    id             TEXT NOT NULL
);

-- Texts that were taken back, until the search index does not know them any more.
CREATE TABLE erased (
    stamp          INTEGER PRIMARY KEY,  -- log.stamp of the message
    text           TEXT NOT NULL,
    tags           TEXT NOT NULL
);

-- Up to where the devices of accounts have seen what was said; the one without a name is whatever device came last.
CREATE TABLE devices (
    account        INTEGER NOT NULL,
    name           TEXT NOT NULL,        -- casefolded
    seen           INTEGER NOT NULL,     -- a stamp
    here           INTEGER NOT NULL,     -- it is connected, or was when the server ended without a word
    PRIMARY KEY (account, name)
) WITHOUT ROWID;

CREATE TABLE read_markers (
    account        INTEGER NOT NULL,
    target         TEXT NOT NULL,        -- "#" and channels.id in base 16, or a casefolded nick
    at             INTEGER NOT NULL,     -- milliseconds since 1970
    PRIMARY KEY (account, target)
) WITHOUT ROWID;

CREATE TABLE account_settings (
    account        INTEGER PRIMARY KEY,
    replay         INTEGER,              -- messages of a channel; NULL: as many as everybody
    always_on      INTEGER NOT NULL,
    username       TEXT NOT NULL,        -- how it is seen while no device is connected
    host           TEXT NOT NULL,
    realname       TEXT NOT NULL
);

-- What accounts may read of a channel, and whether they are in it whenever they come.
CREATE TABLE channel_members (
    channel        INTEGER NOT NULL,
    account        INTEGER NOT NULL,
    reads_from     INTEGER NOT NULL,     -- a stamp
    resident       INTEGER NOT NULL,
    PRIMARY KEY (channel, account)
) WITHOUT ROWID;

CREATE TABLE accounts (
    id             INTEGER PRIMARY KEY,  -- the stamp of its making, so never used again
    name           TEXT NOT NULL,
    key            TEXT NOT NULL UNIQUE, -- the name, casefolded
    role           TEXT NOT NULL,
    enabled        INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    credential     TEXT NOT NULL,        -- Argon2id in PHC form
    credential_set INTEGER NOT NULL,
    scram          TEXT NOT NULL DEFAULT '' -- what SCRAM-SHA-256 needs beside the hash, as RFC 5803 writes it
);

-- Client certificates that people have registered as theirs.
CREATE TABLE certificates (
    fingerprint    TEXT PRIMARY KEY,     -- SHA-256 of the certificate
    account        INTEGER NOT NULL,
    der            BLOB NOT NULL,        -- the certificate
    name           TEXT NOT NULL,        -- its common name
    added          INTEGER NOT NULL,     -- a stamp
    expires        INTEGER NOT NULL      -- seconds since 1970
) WITHOUT ROWID;

-- Codes with which people make accounts, or set passwords anew; they themselves are not here.
CREATE TABLE invite_codes (
    digest         TEXT PRIMARY KEY,     -- SHA-256 of the code
    name           TEXT NOT NULL,        -- of the account that it is for, or empty
    admin          INTEGER NOT NULL,
    uses           INTEGER NOT NULL,
    left           INTEGER NOT NULL,     -- of the uses
    made           INTEGER NOT NULL,     -- a stamp
    until          INTEGER NOT NULL,     -- a stamp
    made_by        TEXT NOT NULL,
    account        INTEGER NOT NULL      -- accounts.id, of whom it resets the password, or 0
) WITHOUT ROWID;

-- Names of accounts that were removed: certificates of before are not of whoever has the name now.
CREATE TABLE retired_names (
    key            TEXT PRIMARY KEY,     -- casefolded
    at             INTEGER NOT NULL      -- the stamp of the last removal
) WITHOUT ROWID;

CREATE TABLE channels (
    id             INTEGER PRIMARY KEY,  -- the stamp of its making
    name           TEXT NOT NULL,
    key            TEXT NOT NULL UNIQUE,
    founder        INTEGER NOT NULL,     -- accounts.id, or 0 for the server's own
    topic          TEXT,
    topic_by       TEXT,
    topic_at       INTEGER,
    flags          TEXT NOT NULL DEFAULT 'nt', -- the letters of its modes without a parameter
    join_key       TEXT,                 -- the mode k
    member_limit   INTEGER,              -- the mode l
    open_since     INTEGER               -- a stamp: since when it has neither i nor k nor s; NULL: it has
);

-- Bans, exceptions and invitations. Those of a channel stand in the order in which they were set: by rowid.
CREATE TABLE channel_lists (
    channel        INTEGER NOT NULL,
    mode           TEXT NOT NULL,        -- b, e or I
    mask           TEXT NOT NULL,
    set_by         TEXT NOT NULL,        -- nick!user@host
    set_at         INTEGER NOT NULL,     -- a stamp
    PRIMARY KEY (channel, mode, mask)
);

-- What accounts are in a channel whenever they come.
CREATE TABLE channel_access (
    channel        INTEGER NOT NULL,
    account        INTEGER NOT NULL,
    modes          TEXT NOT NULL,
    PRIMARY KEY (channel, account)
);

-- Whose private messages an account does not take.
CREATE TABLE silenced (
    account        INTEGER NOT NULL,
    mask           TEXT NOT NULL,
    PRIMARY KEY (account, mask)
);

CREATE TABLE metadata (
    owner          INTEGER NOT NULL,     -- accounts.id or channels.id: stamps, so never the same
    key            TEXT NOT NULL,
    value          TEXT NOT NULL,
    PRIMARY KEY (owner, key)
);

-- Who is kept off the server.
CREATE TABLE server_bans (
    kind           TEXT NOT NULL,        -- securechat.chat.model.BanKind
    key            TEXT NOT NULL,        -- the mask, casefolded
    mask           TEXT NOT NULL,
    reason         TEXT NOT NULL,
    set_by         TEXT NOT NULL,
    set_at         INTEGER NOT NULL,
    until          INTEGER,              -- the stamp of its end
    PRIMARY KEY (kind, key)
);

-- Private messages that wait for their account to come.
CREATE TABLE held (
    account        INTEGER NOT NULL,
    stamp          INTEGER NOT NULL,     -- log.stamp
    PRIMARY KEY (account, stamp)
) WITHOUT ROWID;

-- One row: the stamp of the last transaction that wrote no row of the log. With the log's last row it tells whether a
-- transaction has been committed of which COMMIT said neither yes nor no.
CREATE TABLE committed (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    stamp          INTEGER NOT NULL
);
INSERT INTO committed VALUES (1, 0);

-- One row, once it is needed: the key by which the addresses of guests become what others see as their hosts.
CREATE TABLE host_key (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    key            BLOB NOT NULL
);
"""

MIGRATIONS: Mapping[int, str] = {
    1: """
ALTER TABLE channels ADD COLUMN flags TEXT NOT NULL DEFAULT 'nt';
ALTER TABLE channels ADD COLUMN join_key TEXT;
ALTER TABLE channels ADD COLUMN member_limit INTEGER;
CREATE TABLE channel_lists (
    channel INTEGER NOT NULL, mode TEXT NOT NULL, mask TEXT NOT NULL, set_by TEXT NOT NULL, set_at INTEGER NOT NULL,
    PRIMARY KEY (channel, mode, mask)
);
CREATE TABLE channel_access (
    channel INTEGER NOT NULL, account INTEGER NOT NULL, modes TEXT NOT NULL, PRIMARY KEY (channel, account)
);
CREATE TABLE silenced (account INTEGER NOT NULL, mask TEXT NOT NULL, PRIMARY KEY (account, mask));
CREATE TABLE metadata (
    owner INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (owner, key)
);
CREATE TABLE server_bans (
    kind TEXT NOT NULL, key TEXT NOT NULL, mask TEXT NOT NULL, reason TEXT NOT NULL, set_by TEXT NOT NULL,
    set_at INTEGER NOT NULL, until INTEGER, PRIMARY KEY (kind, key)
);
""",
    2: """
CREATE TABLE host_key (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL);
""",
    3: """
ALTER TABLE log ADD COLUMN bot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE log ADD COLUMN redacted INTEGER;
ALTER TABLE channels ADD COLUMN open_since INTEGER;
UPDATE channels SET open_since = id WHERE join_key IS NULL AND flags NOT LIKE '%i%' AND flags NOT LIKE '%s%';
CREATE INDEX log_speech ON log (channel) WHERE channel IS NOT NULL AND kind < 3;
CREATE INDEX log_events ON log (channel) WHERE channel IS NOT NULL AND kind > 2 AND kind < 32;
CREATE INDEX log_sent ON log (account, target_account) WHERE target_account IS NOT NULL AND kind < 3;
CREATE INDEX log_received ON log (target_account, account) WHERE target_account IS NOT NULL AND kind < 3;
CREATE TABLE log_channels (
    channel        INTEGER NOT NULL,
    stamp          INTEGER NOT NULL,
    PRIMARY KEY (channel, stamp)
) WITHOUT ROWID;
CREATE TABLE client_ids (
    stamp          INTEGER PRIMARY KEY,
    account        INTEGER NOT NULL,
    id             TEXT NOT NULL
);
CREATE TABLE erased (
    stamp          INTEGER PRIMARY KEY,
    text           TEXT NOT NULL,
    tags           TEXT NOT NULL
);
CREATE TABLE devices (
    account        INTEGER NOT NULL,
    name           TEXT NOT NULL,
    seen           INTEGER NOT NULL,
    here           INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;
CREATE TABLE read_markers (
    account        INTEGER NOT NULL,
    target         TEXT NOT NULL,
    at             INTEGER NOT NULL,
    PRIMARY KEY (account, target)
) WITHOUT ROWID;
CREATE TABLE account_settings (
    account        INTEGER PRIMARY KEY,
    replay         INTEGER,
    always_on      INTEGER NOT NULL,
    username       TEXT NOT NULL,
    host           TEXT NOT NULL,
    realname       TEXT NOT NULL
);
CREATE TABLE channel_members (
    channel        INTEGER NOT NULL,
    account        INTEGER NOT NULL,
    reads_from     INTEGER NOT NULL,
    resident       INTEGER NOT NULL,
    PRIMARY KEY (channel, account)
) WITHOUT ROWID;
INSERT INTO channel_members SELECT id, founder, id, 0 FROM channels WHERE founder > 0;
""",
    4: """
ALTER TABLE accounts ADD COLUMN scram TEXT NOT NULL DEFAULT '';
CREATE TABLE certificates (
    fingerprint    TEXT PRIMARY KEY,
    account        INTEGER NOT NULL,
    der            BLOB NOT NULL,
    name           TEXT NOT NULL,
    added          INTEGER NOT NULL,
    expires        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE invite_codes (
    digest         TEXT PRIMARY KEY,
    name           TEXT NOT NULL,
    admin          INTEGER NOT NULL,
    uses           INTEGER NOT NULL,
    left           INTEGER NOT NULL,
    made           INTEGER NOT NULL,
    until          INTEGER NOT NULL,
    made_by        TEXT NOT NULL,
    account        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE retired_names (
    key            TEXT PRIMARY KEY,
    at             INTEGER NOT NULL
) WITHOUT ROWID;
INSERT OR REPLACE INTO retired_names SELECT lower(target), max(stamp) FROM log WHERE kind = 37 GROUP BY lower(target);
""",
}
"""By version: what makes the next one of it. They are never changed, for files have been through them; a new version
adds one, and the same to ``SCHEMA``."""
