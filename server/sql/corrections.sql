-- name: keep_correction
INSERT INTO corrections (patient, reading, metric, taken_at, at, by, reason)
VALUES (
    %(patient)s, %(reading)s, %(metric)s, %(taken_at)s, %(at)s, %(by)s, %(reason)s
)
ON CONFLICT DO NOTHING

-- name: strike_out
UPDATE readings SET quality = trim(quality || ' entered-in-error')
WHERE patient = %(patient)s AND metric = %(metric)s AND taken_at = %(taken_at)s
    AND id = %(reading)s AND NOT 'entered-in-error' = ANY (string_to_array(quality, ' '))

-- Where the struck-out reading was the latest of its series, the one before it is again.
-- name: forget_latest
DELETE FROM latest WHERE patient = %(patient)s AND metric = %(metric)s AND id = %(reading)s
RETURNING device

-- name: restore_latest
INSERT INTO latest (patient, metric, device, taken_at, id, value, unit, quality)
SELECT patient, metric, device, taken_at, id, value, unit, quality FROM readings
WHERE patient = %(patient)s AND metric = %(metric)s AND device = %(device)s
    AND NOT 'entered-in-error' = ANY (string_to_array(quality, ' '))
ORDER BY taken_at DESC, id DESC LIMIT 1
ON CONFLICT DO NOTHING

-- A person's readings of these metrics by their ids, and what was said against them, if anything.
-- In the order in which a batch writes them.
-- name: readings_named
SELECT readings.metric, readings.id AS reading, readings.taken_at, value, unit, device, quality,
    readings.gateway, corrections.by, corrections.at, corrections.reason, corrections.note
FROM readings
LEFT JOIN corrections
    ON corrections.patient = readings.patient AND corrections.reading = readings.id
WHERE readings.patient = %(patient)s AND readings.metric = ANY(%(metrics)s)
    AND readings.id = ANY(%(ids)s)
ORDER BY readings.metric, readings.taken_at, readings.id

-- name: count_marked
SELECT count(*) AS count FROM corrections WHERE patient = %(patient)s AND reading = %(reading)s

-- The lock on the gateway's row is held until the commit, so numbers become visible in order. A
-- reading that has a correction already keeps it; the number is then left out.
-- name: keep_staff_correction
WITH next AS (
    UPDATE gateways SET correction_seq = correction_seq + 1 WHERE id = %(gateway)s
    RETURNING correction_seq
)
INSERT INTO corrections (
    patient, reading, metric, taken_at, at, by, reason, gateway, seq, actor, note, made_at
)
SELECT %(patient)s, %(reading)s, %(metric)s, %(taken_at)s, %(at)s, %(by)s, %(reason)s,
    %(gateway)s, correction_seq, %(actor)s, %(note)s, %(now)s
FROM (VALUES (1)) AS always LEFT JOIN next ON true
ON CONFLICT DO NOTHING

-- name: corrections_after
SELECT seq, reading, patient, metric, taken_at, at, by, reason FROM corrections
WHERE gateway = %(gateway)s AND seq > %(after)s ORDER BY seq LIMIT 500
