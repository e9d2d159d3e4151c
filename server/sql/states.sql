-- The lock on the gateway's row is held until the commit, so numbers become visible in order.
-- name: keep_state
WITH next AS (
    UPDATE gateways SET state_seq = state_seq + 1 WHERE id = %(gateway)s RETURNING state_seq
)
INSERT INTO staff_states (
    statement, gateway, seq, patient, said, until, at, actor, by, note, made_at
)
SELECT %(statement)s, %(gateway)s, state_seq, %(patient)s, %(said)s, %(until)s, %(at)s, %(actor)s,
    %(by)s, %(note)s, %(now)s
FROM (VALUES (1)) AS always LEFT JOIN next ON true

-- name: states_after
SELECT seq, patient, said, until, at, by FROM staff_states
WHERE gateway = %(gateway)s AND seq > %(after)s ORDER BY seq LIMIT 500

-- What staff said, newest first. `told`: every home has said that it holds there.
-- name: said_by_staff
SELECT said, until, at, by, note, bool_and(EXISTS (
    SELECT FROM records
    WHERE records.patient = %(patient)s AND kind = 'state'
        AND records.gateway = staff_states.gateway AND (body ->> 'told')::bigint = staff_states.seq
)) AS told
FROM staff_states WHERE patient = %(patient)s
GROUP BY statement, said, until, at, by, note, made_at
ORDER BY made_at DESC, statement LIMIT %(most)s

-- What homes said, newest first: the word of staff too, from when it held there.
-- name: said_at_home
SELECT body::text AS body FROM records
WHERE patient = %(patient)s AND kind = 'state' ORDER BY at DESC, seq DESC LIMIT %(most)s

-- The newest word of staff on where each of some people is, where they said one.
-- name: places_said_by_staff
SELECT person AS patient, said, until, at, by, note, told
FROM unnest(%(patients)s::text[]) AS wanted (person)
CROSS JOIN LATERAL (
    SELECT said, until, at, by, note, bool_and(EXISTS (
        SELECT FROM records
        WHERE records.patient = wanted.person AND kind = 'state'
            AND records.gateway = staff_states.gateway
            AND (body ->> 'told')::bigint = staff_states.seq
    )) AS told
    FROM staff_states WHERE patient = wanted.person AND said = ANY(%(places)s)
    GROUP BY statement, said, until, at, by, note, made_at
    ORDER BY made_at DESC, statement LIMIT 1
) AS newest

-- The newest word of their homes on that.
-- name: places_said_at_home
SELECT person AS patient, newest.body
FROM unnest(%(patients)s::text[]) AS wanted (person)
CROSS JOIN LATERAL (
    SELECT body::text AS body FROM records
    WHERE patient = wanted.person AND kind = 'state' AND body ->> 'said' = ANY(%(places)s)
    ORDER BY at DESC, seq DESC LIMIT 1
) AS newest
