-- One at a time for a person, so that none is chained to another that is just being set.
-- name: lock_person
SELECT pg_advisory_xact_lock(hashtextextended('snooze|' || %(patient)s, 0))

-- name: keep_snooze
WITH next AS (
    UPDATE gateways SET snooze_seq = snooze_seq + 1 WHERE id = %(gateway)s RETURNING snooze_seq
)
INSERT INTO staff_snoozes (
    id, alert, gateway, seq, patient, family, direction, tier, value, rule, starts_at, ends_at,
    actor, by, reason, made_at
)
SELECT %(id)s, %(alert)s, %(gateway)s, snooze_seq, %(patient)s, %(family)s, %(direction)s,
    %(tier)s, %(value)s, %(rule)s, %(starts_at)s, %(ends_at)s, %(actor)s, %(by)s, %(reason)s,
    %(now)s
FROM (VALUES (1)) AS always LEFT JOIN next ON true
ON CONFLICT DO NOTHING

-- name: snoozes_after
SELECT seq, id, patient, family, direction, tier, value, rule, starts_at, ends_at, by, reason
FROM staff_snoozes WHERE gateway = %(gateway)s AND seq > %(after)s ORDER BY seq LIMIT 500

-- Those of a person that end after a moment, the one that ends first before the others. `told`:
-- the home has said that it keeps to it; `refused`: why it said that it does not.
-- name: snoozes_of_person
SELECT id, alert, patient, family, direction, tier, value, rule, starts_at, ends_at, by, reason,
    EXISTS (
        SELECT FROM records
        WHERE records.gateway = staff_snoozes.gateway AND records.id = staff_snoozes.id
    ) AS told,
    coalesce((
        SELECT body ->> 'reason' FROM records
        WHERE records.patient = staff_snoozes.patient AND kind = 'snooze-refused'
            AND records.gateway = staff_snoozes.gateway AND body ->> 'snooze' = staff_snoozes.id
        LIMIT 1
    ), '') AS refused
FROM staff_snoozes WHERE patient = %(patient)s AND ends_at > %(after)s ORDER BY ends_at, id
