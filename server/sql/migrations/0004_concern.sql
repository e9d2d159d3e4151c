-- Kit and outages are not clinical alerts: each alert says whose list it belongs to. What an older
-- server opened about a home itself was kit already.
ALTER TABLE alerts ADD COLUMN concern text NOT NULL DEFAULT 'clinical'
    CHECK (concern IN ('clinical', 'kit'));
UPDATE alerts SET concern = 'kit' WHERE patient IS NULL;
ALTER TABLE alerts ADD CHECK (patient IS NOT NULL OR concern = 'kit');

-- The newest findings of a person that something held back, for the page.
CREATE INDEX findings_held_back ON records (patient, at DESC)
    WHERE kind = 'finding' AND body ->> 'phase' = 'suppressed';
