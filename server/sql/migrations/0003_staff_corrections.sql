-- Staff mark readings as entered in error too, and the home is to hear of it: numbered for each
-- home like the notices, under the same lock on its row in gateways. A correction that a home made
-- itself has no number. What was said once is never changed: the table is its own audit trail.
ALTER TABLE gateways ADD COLUMN correction_seq bigint NOT NULL DEFAULT 0;

ALTER TABLE corrections
    ADD COLUMN gateway text COLLATE "C",    -- the home that is to hear of it
    ADD COLUMN seq bigint,
    ADD COLUMN actor text,                  -- the user who said so; by is their name
    ADD COLUMN note text,                   -- for colleagues: it does not leave the server
    ADD COLUMN made_at timestamptz;
CREATE UNIQUE INDEX corrections_for_a_home ON corrections (gateway, seq) WHERE seq IS NOT NULL;

CREATE TRIGGER corrections_only_grow BEFORE UPDATE OR DELETE ON corrections
    FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
