-- The first schema. Keys compare byte by byte (COLLATE "C"), whatever the database's language.
-- Times named *_at are home time where the comment says so, and machine time otherwise.

-- A home's gateway, as the settings name it, and when it was heard.
CREATE TABLE gateways (
    id text COLLATE "C" PRIMARY KEY,
    known_since timestamptz NOT NULL,
    heard_at timestamptz,
    home_time timestamptz,              -- home time, at its last heartbeat
    waiting bigint,
    plan text,
    software text,
    notice_seq bigint NOT NULL DEFAULT 0
);

-- Since when a server has listened without a break: a home's silence counts from then at most.
CREATE TABLE deadman_watch (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    listening_since timestamptz NOT NULL,
    alive_at timestamptz NOT NULL
);

-- Readings. The key serves identity, order and queries, keeps two values of one instant, and is
-- valid on a hypertable and on range partitions of taken_at.
CREATE TABLE readings (
    patient text COLLATE "C" NOT NULL,
    metric text COLLATE "C" NOT NULL,
    taken_at timestamptz NOT NULL,      -- home time
    id text COLLATE "C" NOT NULL,
    value double precision NOT NULL,
    unit text NOT NULL,
    device text COLLATE "C" NOT NULL,
    received_at timestamptz NOT NULL,   -- home time
    clock text NOT NULL,
    quality text NOT NULL,              -- words, separated by one space
    raw_value double precision,
    raw_unit text,
    gateway text COLLATE "C" NOT NULL,
    PRIMARY KEY (patient, metric, taken_at, id)
);

-- The newest reading of each series, written by the statement that stores the reading.
CREATE TABLE latest (
    patient text COLLATE "C" NOT NULL,
    metric text COLLATE "C" NOT NULL,
    device text COLLATE "C" NOT NULL,
    taken_at timestamptz NOT NULL,      -- home time
    id text COLLATE "C" NOT NULL,
    value double precision NOT NULL,
    unit text NOT NULL,
    quality text NOT NULL,
    PRIMARY KEY (patient, metric, device)
);

-- Every other record as it came: findings, prompts, alerts, devices, and kinds not known yet.
CREATE TABLE records (
    gateway text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    schema integer NOT NULL,
    seq bigint NOT NULL,
    lane text NOT NULL,
    patient text COLLATE "C",
    at timestamptz NOT NULL,            -- home time
    body jsonb NOT NULL,
    stored_at timestamptz NOT NULL,
    PRIMARY KEY (gateway, id)
);
CREATE INDEX records_of_a_person ON records (patient, kind, at);
CREATE INDEX records_superseding ON records ((body ->> 'finding')) WHERE kind = 'superseded';

-- What could not be stored as it was promised, with its bytes and why.
CREATE TABLE quarantine (
    gateway text COLLATE "C" NOT NULL,
    record text COLLATE "C" NOT NULL,
    digest bytea NOT NULL,
    kind text NOT NULL,
    reason text NOT NULL,
    raw bytea NOT NULL,
    stored_at timestamptz NOT NULL,
    PRIMARY KEY (gateway, record, digest)
);

CREATE TABLE alerts (
    id text COLLATE "C" PRIMARY KEY,
    gateway text COLLATE "C" NOT NULL,
    patient text COLLATE "C",           -- null: about the home's kit
    rule text COLLATE "C" NOT NULL,
    family text NOT NULL,
    tier smallint NOT NULL,
    state text NOT NULL,
    opened_at timestamptz NOT NULL,     -- home time
    last_at timestamptz NOT NULL,       -- home time
    waiting_since timestamptz NOT NULL, -- since when nobody has taken it
    occurrences integer NOT NULL DEFAULT 1,
    text text NOT NULL,
    text_values jsonb NOT NULL,
    late boolean NOT NULL,
    superseded text,
    taken_by text
);
-- At most one unresolved alert for each person (or home) and rule.
CREATE UNIQUE INDEX alerts_unresolved
    ON alerts (coalesce(patient, gateway), rule) WHERE state <> 'resolved';
CREATE INDEX alerts_of_a_person ON alerts (patient, opened_at);
CREATE INDEX alerts_untaken ON alerts (waiting_since) WHERE state = 'open';

-- What asked for an alert: the first, and each time that it came again.
CREATE TABLE alert_requests (
    id text COLLATE "C" PRIMARY KEY,
    alert text COLLATE "C" NOT NULL REFERENCES alerts (id),
    finding text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,            -- home time
    body jsonb NOT NULL,
    arrived_at timestamptz NOT NULL
);
CREATE INDEX alert_requests_of_an_alert ON alert_requests (alert, at);
CREATE INDEX alert_requests_of_a_finding ON alert_requests (finding);

-- One row for each change of an alert and each note on it. It only grows.
CREATE TABLE alert_audit (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert text COLLATE "C" NOT NULL REFERENCES alerts (id),
    at timestamptz NOT NULL,
    home_at timestamptz NOT NULL,       -- home time
    actor text NOT NULL,
    actor_name text NOT NULL,
    action text,                        -- null: it was opened
    before text,
    after text NOT NULL,
    reason text NOT NULL
);
CREATE INDEX alert_audit_of_an_alert ON alert_audit (alert, seq);

CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is never changed';
END
$$;
CREATE TRIGGER alert_audit_only_grows BEFORE UPDATE OR DELETE ON alert_audit
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows();

-- News for the people at home. seq grows by one for each gateway, under a lock on its row in
-- gateways, so nobody who reads after a number misses one that was committed later.
CREATE TABLE notices (
    gateway text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    alert text COLLATE "C" NOT NULL,
    patient text COLLATE "C" NOT NULL,
    state text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,            -- home time
    PRIMARY KEY (gateway, seq)
);

CREATE TABLE users (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL,
    people text[] NOT NULL,
    password_hash text NOT NULL,
    demo boolean NOT NULL
);

CREATE TABLE sessions (
    hash bytea PRIMARY KEY,
    user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_end ON sessions (ends_at);

-- Both are emptied by a crash of the database, together: then no nonce given before is good any
-- more, so none can be used twice.
CREATE UNLOGGED TABLE nonce_secret (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    secret bytea NOT NULL
);
CREATE UNLOGGED TABLE spent_nonces (
    nonce text COLLATE "C" PRIMARY KEY,
    spent_at timestamptz NOT NULL
);
CREATE INDEX spent_nonces_by_time ON spent_nonces (spent_at);
