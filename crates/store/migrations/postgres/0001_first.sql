-- What we own, and the calls that were made of it. As the migrations for SQLite make it, all together.

-- Counts the changes of the inventory. One row.
CREATE TABLE revision (
    id BIGINT PRIMARY KEY CHECK (id = 0),
    revision BIGINT NOT NULL
);
INSERT INTO revision (id, revision) VALUES (0, 0);

-- Bodies are JSON, with the field names of the inventory. Ids are compared octet by octet, as SQLite does.
CREATE TABLE settings (
    id BIGINT PRIMARY KEY CHECK (id = 0),
    body TEXT NOT NULL,
    revision BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE agents (
    id TEXT COLLATE "C" PRIMARY KEY,
    body TEXT NOT NULL,
    revision BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE trunks (
    id TEXT COLLATE "C" PRIMARY KEY,
    body TEXT NOT NULL,
    revision BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE numbers (
    -- Without the +.
    e164 BIGINT PRIMARY KEY,
    trunk_id TEXT COLLATE "C" NOT NULL REFERENCES trunks (id) DEFERRABLE INITIALLY DEFERRED,
    agent_id TEXT COLLATE "C" REFERENCES agents (id) DEFERRABLE INITIALLY DEFERRED,
    body TEXT NOT NULL,
    revision BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX numbers_by_trunk ON numbers (trunk_id);
CREATE INDEX numbers_by_agent ON numbers (agent_id);

-- Times are milliseconds since 1970. Ids of trunks, numbers and agents are those of the time of the call.
CREATE TABLE call_records (
    id TEXT COLLATE "C" PRIMARY KEY,
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
    media_encryption BIGINT NOT NULL,
    invite_at BIGINT NOT NULL,
    ringing_at BIGINT,
    answered_at BIGINT,
    ended_at BIGINT,
    duration_ms BIGINT NOT NULL,
    billable_s BIGINT NOT NULL,
    agent_active_ms BIGINT NOT NULL,
    rating TEXT NOT NULL,
    -- NULL while the call is up.
    status TEXT,
    sip_status BIGINT,
    q850 BIGINT,
    ended_by TEXT,
    reason TEXT,
    quality_a_packets BIGINT,
    quality_a_lost BIGINT,
    quality_a_jitter_ms DOUBLE PRECISION,
    quality_b_packets BIGINT,
    quality_b_lost BIGINT,
    quality_b_jitter_ms DOUBLE PRECISION,
    -- What more there is to say of the reason, in words.
    detail TEXT,
    -- The node that the call is, or was, on.
    node TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX call_records_by_time ON call_records (invite_at, id);
CREATE INDEX call_records_up ON call_records (id) WHERE status IS NULL;

CREATE TABLE audit (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    key_id TEXT,
    revision BIGINT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    -- JSON, without secrets.
    was TEXT,
    became TEXT
);

CREATE TABLE api_keys (
    id TEXT COLLATE "C" PRIMARY KEY,
    label TEXT NOT NULL,
    role TEXT NOT NULL,
    -- SHA-256, in hex digits.
    hash TEXT COLLATE "C" NOT NULL UNIQUE,
    last4 TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);

-- Requests that make calls, by the key that their sender gave them.
CREATE TABLE idempotency (
    owner TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    -- Of the request: SHA-256, in hex digits.
    hash TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    -- NULL until there is an answer.
    status BIGINT,
    body TEXT,
    PRIMARY KEY (owner, name)
);
CREATE INDEX idempotency_by_time ON idempotency (at_ms);
