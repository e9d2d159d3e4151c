-- Staff say where a person is, and that they need not hear of a problem for a while. Both go home,
-- numbered for each home like the notices, under the same lock on its row in gateways. What was
-- said once is never changed: the tables are their own audit trail.
ALTER TABLE gateways
    ADD COLUMN state_seq bigint NOT NULL DEFAULT 0,
    ADD COLUMN snooze_seq bigint NOT NULL DEFAULT 0;

-- One row for each home that sends for the person; one without a gateway where none does.
CREATE TABLE staff_states (
    statement text COLLATE "C" NOT NULL,
    gateway text COLLATE "C" NOT NULL,  -- the home that is to hear of it; empty: none
    seq bigint,
    patient text COLLATE "C" NOT NULL,
    said text NOT NULL,                 -- a word of rules.whereabouts
    until timestamptz,                  -- home time
    at timestamptz NOT NULL,            -- home time
    actor text NOT NULL,                -- the user who said so; by is their name
    by text NOT NULL,
    note text NOT NULL,                 -- for colleagues: it does not leave the server
    made_at timestamptz NOT NULL,
    PRIMARY KEY (statement, gateway)
);
CREATE INDEX staff_states_of_a_person ON staff_states (patient, at DESC);
CREATE UNIQUE INDEX staff_states_for_a_home ON staff_states (gateway, seq) WHERE seq IS NOT NULL;

CREATE TRIGGER staff_states_only_grow BEFORE UPDATE OR DELETE ON staff_states
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows();

CREATE TABLE staff_snoozes (
    id text COLLATE "C" PRIMARY KEY,
    alert text COLLATE "C" NOT NULL REFERENCES alerts (id),
    gateway text COLLATE "C" NOT NULL,
    seq bigint,
    patient text COLLATE "C" NOT NULL,
    family text NOT NULL,
    direction text NOT NULL,
    tier smallint NOT NULL,
    value double precision,
    rule text,
    starts_at timestamptz NOT NULL,     -- home time
    ends_at timestamptz NOT NULL,       -- home time
    actor text NOT NULL,                -- the user who set it; by is their name
    by text NOT NULL,
    reason text NOT NULL,
    made_at timestamptz NOT NULL
);
CREATE INDEX staff_snoozes_of_a_person ON staff_snoozes (patient, ends_at);
CREATE UNIQUE INDEX staff_snoozes_for_a_home ON staff_snoozes (gateway, seq) WHERE seq IS NOT NULL;

CREATE TRIGGER staff_snoozes_only_grow BEFORE UPDATE OR DELETE ON staff_snoozes
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
