-- Single changes: versions, the audit trail, keys of the API.

-- The revision at which each became what it is.
ALTER TABLE settings ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE trunks ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE numbers ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    key_id TEXT,
    revision INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    -- JSON, without secrets.
    was TEXT,
    became TEXT
) STRICT;

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    label TEXT NOT NULL,
    role TEXT NOT NULL,
    -- SHA-256, in hex digits.
    hash TEXT NOT NULL UNIQUE,
    last4 TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;

-- Requests that make calls, by the key that their sender gave them.
CREATE TABLE idempotency (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Of the request: SHA-256, in hex digits.
    hash TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    -- NULL until there is an answer.
    status INTEGER,
    body TEXT,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_time ON idempotency (at_ms);
