-- One statement for all readings of a batch: what is new is stored, and the newest of each series
-- becomes its latest value, unless it was struck out before it arrived. Rows are written in the order of their keys, so that two batches at
-- once wait for each other in one direction only; two rows of one series would fail in one upsert,
-- hence DISTINCT ON.
-- name: store_readings
WITH stored AS (
    INSERT INTO readings (
        patient, metric, taken_at, id, value, unit, device, received_at, clock, quality,
        raw_value, raw_unit, gateway
    )
    SELECT arrived.patient, arrived.metric, arrived.taken_at, id, value, unit, device, received_at,
        clock,
        CASE WHEN corrections.reading IS NULL THEN quality
            ELSE trim(quality || ' entered-in-error') END,
        raw_value, raw_unit, %(gateway)s
    FROM unnest(
        %(patient)b::text[], %(metric)b::text[], %(taken_at)b::timestamptz[], %(id)b::text[],
        %(value)b::float8[], %(unit)b::text[], %(device)b::text[],
        %(received_at)b::timestamptz[], %(clock)b::text[], %(quality)b::text[],
        %(raw_value)b::float8[], %(raw_unit)b::text[]
    ) AS arrived (
        patient, metric, taken_at, id, value, unit, device, received_at, clock, quality,
        raw_value, raw_unit
    )
    LEFT JOIN corrections
        ON corrections.patient = arrived.patient AND corrections.reading = arrived.id
    ORDER BY arrived.patient COLLATE "C", arrived.metric COLLATE "C", arrived.taken_at,
        id COLLATE "C"
    ON CONFLICT DO NOTHING
    RETURNING patient, metric, device, taken_at, id, value, unit, quality
)
INSERT INTO latest (patient, metric, device, taken_at, id, value, unit, quality)
SELECT DISTINCT ON (patient, metric, device)
    patient, metric, device, taken_at, id, value, unit, quality
FROM stored
WHERE NOT 'entered-in-error' = ANY (string_to_array(quality, ' '))
ORDER BY patient, metric, device, taken_at DESC, id DESC
ON CONFLICT (patient, metric, device) DO UPDATE SET
    taken_at = excluded.taken_at, id = excluded.id, value = excluded.value,
    unit = excluded.unit, quality = excluded.quality
WHERE (latest.taken_at, latest.id) < (excluded.taken_at, excluded.id)

-- Everything that is not a reading, as it came. Only what was new comes back.
-- name: store_records
INSERT INTO records (gateway, id, kind, schema, seq, lane, patient, at, body, stored_at)
SELECT %(gateway)s, id, kind, schema, seq, lane, patient, at, body::jsonb, %(now)s
FROM unnest(
    %(id)s::text[], %(kind)s::text[], %(schema)s::int4[], %(seq)s::int8[], %(lane)s::text[],
    %(patient)s::text[], %(at)s::timestamptz[], %(body)s::text[]
) AS arrived (id, kind, schema, seq, lane, patient, at, body)
ORDER BY id COLLATE "C"
ON CONFLICT DO NOTHING
RETURNING id

-- name: quarantine
INSERT INTO quarantine (gateway, record, digest, kind, reason, raw, stored_at)
VALUES (%(gateway)s, %(record)s, %(digest)s, %(kind)s, %(reason)s, %(raw)s, %(now)s)
ON CONFLICT DO NOTHING

-- name: heartbeat
UPDATE gateways SET heard_at = %(now)s, home_time = %(home_time)s, waiting = %(waiting)s,
    plan = %(plan)s, software = %(software)s
WHERE id = %(id)s

-- name: know_gateway
INSERT INTO gateways (id, known_since) VALUES (%(id)s, %(now)s) ON CONFLICT DO NOTHING
