-- What we own, and the calls that were made of it.

-- Counts the changes of the inventory. One row.
CREATE TABLE revision (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO revision (id, revision) VALUES (0, 0);

-- Bodies are JSON, with the field names of the inventory.
CREATE TABLE settings (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    body TEXT NOT NULL
) STRICT;

CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE trunks (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE numbers (
    -- Without the +.
    e164 INTEGER PRIMARY KEY,
    trunk_id TEXT NOT NULL REFERENCES trunks (id) DEFERRABLE INITIALLY DEFERRED,
    agent_id TEXT REFERENCES agents (id) DEFERRABLE INITIALLY DEFERRED,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX numbers_by_trunk ON numbers (trunk_id);
CREATE INDEX numbers_by_agent ON numbers (agent_id);

-- Times are milliseconds since 1970. Ids of trunks, numbers and agents are those of the time of the call.
CREATE TABLE call_records (
    id TEXT PRIMARY KEY,
    direction TEXT NOT NULL,
    trunk_id TEXT,
    number TEXT,
    agent_id TEXT,
    agent_source TEXT,
    "from" TEXT,
    from_raw TEXT NOT NULL,
    "to" TEXT,
    to_raw TEXT NOT NULL,
    sip_call_id_a TEXT NOT NULL,
    sip_call_id_b TEXT,
    transport TEXT NOT NULL,
    source TEXT NOT NULL,
    codec TEXT,
    media_encryption INTEGER NOT NULL,
    invite_at INTEGER NOT NULL,
    ringing_at INTEGER,
    answered_at INTEGER,
    ended_at INTEGER,
    duration_ms INTEGER NOT NULL,
    billable_s INTEGER NOT NULL,
    agent_active_ms INTEGER NOT NULL,
    rating TEXT NOT NULL,
    -- NULL while the call is up.
    status TEXT,
    sip_status INTEGER,
    q850 INTEGER,
    ended_by TEXT,
    reason TEXT,
    quality_a_packets INTEGER,
    quality_a_lost INTEGER,
    quality_a_jitter_ms REAL,
    quality_b_packets INTEGER,
    quality_b_lost INTEGER,
    quality_b_jitter_ms REAL
) STRICT, WITHOUT ROWID;
CREATE INDEX call_records_by_time ON call_records (invite_at, id);
CREATE INDEX call_records_up ON call_records (id) WHERE status IS NULL;
