"""The tables. ``PRAGMA user_version`` says which version of them a file has."""

from __future__ import annotations

__all__ = ["SCHEMA", "VERSION"]

VERSION = 1

SCHEMA = """
-- Accepted events, in the one order that there is.
CREATE TABLE log (
    stamp          INTEGER PRIMARY KEY,  -- place, time and msgid in one (securechat.chat.stamps)
    kind           INTEGER NOT NULL,     -- securechat.store.rows.Kind
    channel        INTEGER,              -- channels.id
    account        INTEGER,              -- accounts.id of who did it
    source         TEXT NOT NULL,        -- nick!user@host of who did it
    target         TEXT NOT NULL,        -- the channel, nick or account as it was written
    target_account INTEGER,              -- accounts.id of whom a private message is for
    text           TEXT NOT NULL,
    tags           TEXT NOT NULL         -- client-only tags, as they came
);

CREATE TABLE accounts (
    id             INTEGER PRIMARY KEY,  -- the stamp of its making, so never used again
    name           TEXT NOT NULL,
    key            TEXT NOT NULL UNIQUE, -- the name, casefolded
    role           TEXT NOT NULL,
    enabled        INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    credential     TEXT NOT NULL,        -- Argon2id in PHC form
    credential_set INTEGER NOT NULL
);

CREATE TABLE channels (
    id             INTEGER PRIMARY KEY,  -- the stamp of its making
    name           TEXT NOT NULL,
    key            TEXT NOT NULL UNIQUE,
    founder        INTEGER NOT NULL,     -- accounts.id, or 0 for the server's own
    topic          TEXT,
    topic_by       TEXT,
    topic_at       INTEGER
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
"""
