-- One writer at a time for a rule of a person: taken in the order of the keys, so that two batches
-- never wait for each other.
-- name: lock_series
SELECT pg_advisory_xact_lock(hashtextextended(key, 0))
FROM (SELECT key FROM unnest(%(keys)s::text[]) AS given (key) ORDER BY key) AS sorted

-- Which of these requests are here already.
-- name: known_requests
SELECT id FROM alert_requests WHERE id = ANY(%(ids)s)

-- name: unresolved_of_series
SELECT id, tier, state, last_at FROM alerts
WHERE coalesce(patient, gateway) = %(whom)s AND rule = %(rule)s AND state <> 'resolved'
FOR UPDATE

-- name: lock_alert
SELECT id, tier, state, last_at, gateway, patient, rule FROM alerts WHERE id = %(id)s FOR UPDATE

-- name: open_alert
INSERT INTO alerts (
    id, gateway, patient, rule, family, tier, state, opened_at, last_at, waiting_since,
    text, text_values, late, concern
) VALUES (
    %(id)s, %(gateway)s, %(patient)s, %(rule)s, %(family)s, %(tier)s, 'open', %(home_at)s,
    %(home_at)s, %(now)s, %(text)s, %(values)s, %(late)s, %(concern)s
)

-- name: add_request
INSERT INTO alert_requests (id, alert, finding, at, body, arrived_at)
VALUES (%(id)s, %(alert)s, %(finding)s, %(at)s, %(body)s, %(now)s)

-- What came again at the same tier or a higher one, and not as old news, gives the headline.
-- name: recur
UPDATE alerts SET
    occurrences = occurrences + 1,
    last_at = greatest(last_at, %(home_at)s),
    tier = greatest(tier, %(tier)s),
    waiting_since = CASE WHEN state <> 'open' AND %(state)s = 'open'
        THEN %(now)s ELSE waiting_since END,
    state = %(state)s,
    taken_by = CASE WHEN %(state)s = 'acknowledged' THEN taken_by END,
    text = CASE WHEN %(headline)s THEN %(text)s ELSE text END,
    text_values = CASE WHEN %(headline)s THEN %(values)s::jsonb ELSE text_values END,
    late = CASE WHEN %(headline)s THEN %(late)s ELSE late END,
    superseded = CASE WHEN %(headline)s THEN NULL ELSE superseded END
WHERE id = %(id)s

-- name: change_state
UPDATE alerts SET state = %(state)s, taken_by = coalesce(%(taken_by)s, taken_by)
WHERE id = %(id)s

-- name: add_audit
INSERT INTO alert_audit (alert, at, home_at, actor, actor_name, action, before, after, reason)
VALUES (
    %(alert)s, %(now)s, %(home_at)s, %(actor)s, %(actor_name)s, %(action)s, %(before)s,
    %(after)s, %(reason)s
)

-- The lock on the gateway's row is held until the commit, so numbers become visible in order.
-- name: add_notice
WITH next AS (
    UPDATE gateways SET notice_seq = notice_seq + 1 WHERE id = %(gateway)s RETURNING notice_seq
)
INSERT INTO notices (gateway, seq, alert, patient, state, by, at)
SELECT %(gateway)s, notice_seq, %(alert)s, %(patient)s, %(state)s, %(by)s, %(at)s FROM next

-- name: notices_after
SELECT seq, alert, patient, state, by, at FROM notices
WHERE gateway = %(gateway)s AND seq > %(after)s ORDER BY seq LIMIT 500

-- name: notify
SELECT pg_notify(%(channel)s, %(payload)s)

-- The alerts that rest on findings which no longer stand. `headline`: on the newest request.
-- name: resting_on_findings
SELECT DISTINCT alert_requests.alert AS id, finding,
    at >= (SELECT max(at) FROM alert_requests AS all_of_it
           WHERE all_of_it.alert = alert_requests.alert) AS headline
FROM alert_requests WHERE finding = ANY(%(findings)s)
ORDER BY 1, 2

-- name: mark_superseded
UPDATE alerts SET superseded = %(by)s WHERE id = %(id)s

-- A finding can be undone before the alert that rests on it has arrived. The last word counts.
-- name: superseded_before
SELECT body ->> 'finding' AS finding, body ->> 'by' AS by FROM records
WHERE kind = 'superseded' AND body ->> 'finding' = ANY(%(findings)s)
ORDER BY seq

-- Open alerts of these tiers and since when they wait, for the escalation to decide.
-- name: waiting
SELECT id, tier, waiting_since FROM alerts
WHERE state = 'open' AND tier = ANY(%(tiers)s) ORDER BY waiting_since LIMIT 500

-- Homes and their unresolved silence alert, for the dead-man timer to decide.
-- name: homes_for_deadman
SELECT gateways.id AS gateway, known_since, heard_at, alerts.id AS alert
FROM gateways
LEFT JOIN alerts ON alerts.gateway = gateways.id AND alerts.patient IS NULL
    AND alerts.rule = %(rule)s AND alerts.state <> 'resolved'
WHERE gateways.id = ANY(%(gateways)s)
ORDER BY gateways.id

-- A server that is up extends the watch; after a gap of more than a minute it begins anew.
-- name: keep_watch
INSERT INTO deadman_watch (listening_since, alive_at) VALUES (%(now)s, %(now)s)
ON CONFLICT (single) DO UPDATE SET
    alive_at = greatest(deadman_watch.alive_at, excluded.alive_at),
    listening_since = CASE WHEN excluded.alive_at > deadman_watch.alive_at + interval '1 minute'
        THEN excluded.listening_since ELSE deadman_watch.listening_since END
RETURNING listening_since
