-- What calls take at the moment, by node: each writes its own rows, and adds those of the others to its own calls.

CREATE TABLE live_nodes (
    node TEXT COLLATE "C" PRIMARY KEY,
    -- Counts what it wrote: a row below has the count with which it was written.
    version BIGINT NOT NULL,
    -- When it last wrote, by the clock of the database, in milliseconds since 1970; 0 if it has stopped.
    heard_at BIGINT NOT NULL
);

CREATE TABLE live_usage (
    node TEXT COLLATE "C" NOT NULL,
    -- Of what calls take a part: trunk, number, agent.
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    calls BIGINT NOT NULL,
    -- What outbound calls have spoken, and those that are up, in one day since 1970-01-01 (UTC).
    day BIGINT NOT NULL,
    finished_ms BIGINT NOT NULL,
    running BIGINT NOT NULL,
    -- Since midnight, added up.
    begun_ms BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (node, kind, id)
);
CREATE INDEX live_usage_by_version ON live_usage (node, version);
