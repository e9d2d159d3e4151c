-- name: unresolved_alerts
SELECT id, patient, gateway, rule, family, tier, state, opened_at, last_at, occurrences, text,
    text_values::text AS text_values, late, superseded, taken_by, concern
FROM alerts WHERE state <> 'resolved'

-- name: alert
SELECT id, patient, gateway, rule, family, tier, state, opened_at, last_at, occurrences, text,
    text_values::text AS text_values, late, superseded, taken_by, concern
FROM alerts WHERE id = %(alert)s

-- name: alerts_of_person
SELECT id, patient, gateway, rule, family, tier, state, opened_at, last_at, occurrences, text,
    text_values::text AS text_values, late, superseded, taken_by, concern
FROM alerts WHERE patient = %(patient)s AND state <> 'resolved'
UNION ALL
(
    SELECT id, patient, gateway, rule, family, tier, state, opened_at, last_at, occurrences, text,
        text_values::text AS text_values, late, superseded, taken_by, concern
    FROM alerts WHERE patient = %(patient)s AND state = 'resolved'
    ORDER BY last_at DESC LIMIT %(resolved)s
)

-- name: patient_of_alert
SELECT patient FROM alerts WHERE id = %(alert)s

-- name: requests_of_alert
SELECT body::text AS body FROM alert_requests WHERE alert = %(alert)s ORDER BY at, id

-- name: audit_of_alert
SELECT at, home_at, actor, actor_name, action, before, after, reason
FROM alert_audit WHERE alert = %(alert)s ORDER BY seq

-- name: findings_of_rule
SELECT body::text AS body FROM records
WHERE patient = %(patient)s AND kind = 'finding' AND body ->> 'rule' = %(rule)s
ORDER BY at DESC, id DESC LIMIT %(most)s

-- name: held_back_of_person
SELECT body::text AS body FROM records
WHERE patient = %(patient)s AND kind = 'finding' AND body ->> 'phase' = 'suppressed'
    AND at >= %(since)s
ORDER BY at DESC, id DESC LIMIT %(most)s

-- name: findings_by_id
SELECT body::text AS body FROM records
WHERE patient = %(patient)s AND kind = 'finding' AND id = ANY(%(ids)s) AND at >= %(since)s

-- name: prompts_between
SELECT body::text AS body FROM records
WHERE patient = %(patient)s AND kind = 'prompt' AND at >= %(since)s AND at <= %(until)s
ORDER BY at DESC, id DESC LIMIT %(most)s

-- Readings by their ids: a person's readings of that time are looked through.
-- name: readings_by_id
SELECT metric, id AS reading, taken_at, value, device, quality FROM readings
WHERE patient = %(patient)s AND taken_at BETWEEN %(since)s AND %(until)s AND id = ANY(%(ids)s)
ORDER BY taken_at, id

-- The newest readings of each of some metrics; one more than `most` tells that there are more.
-- name: series
SELECT metric, unit, id AS reading, taken_at, value, device, quality
FROM unnest(%(metrics)s::text[]) AS wanted (name)
CROSS JOIN LATERAL (
    SELECT metric, unit, id, taken_at, value, device, quality FROM readings
    WHERE patient = %(patient)s AND metric = wanted.name
        AND taken_at > %(since)s AND taken_at <= %(until)s
    ORDER BY taken_at DESC, id DESC LIMIT %(most)s
) AS newest
ORDER BY metric, taken_at, id

-- The newest of each metric; of what a device says of itself, the newest of each device.
-- name: latest_of_person
SELECT DISTINCT ON (metric, of_device)
    metric, device, value, unit, taken_at, id AS reading, quality
FROM (
    SELECT *, CASE WHEN metric = ANY(%(technical)s) THEN device ELSE '' END AS of_device
    FROM latest WHERE patient = %(patient)s
) AS known
ORDER BY metric, of_device, taken_at DESC, id DESC

-- What people called the devices that they added at home.
-- name: device_names
SELECT DISTINCT ON (body ->> 'device') body ->> 'device' AS device, body -> 'value' ->> 'name' AS name
FROM records
WHERE patient IS NULL AND kind = 'device' AND gateway = ANY(%(gateways)s)
    AND body ->> 'name' = 'enrolment' AND body -> 'value' ->> 'name' <> ''
ORDER BY body ->> 'device', at DESC, seq DESC

-- name: newest_of_people
SELECT DISTINCT ON (patient)
    patient, metric, device, value, unit, taken_at, id AS reading, quality
FROM latest WHERE patient = ANY(%(patients)s) AND NOT metric = ANY(%(technical)s)
ORDER BY patient, taken_at DESC, id DESC

-- name: movement_of_people
SELECT patient, metric, device, value, unit, taken_at, id AS reading, quality
FROM unnest(%(patients)s::text[]) AS wanted (person)
CROSS JOIN LATERAL (
    SELECT patient, metric, device, value, unit, taken_at, id, quality FROM readings
    WHERE patient = wanted.person AND metric = 'movement' AND value = 1
    ORDER BY taken_at DESC, id DESC LIMIT 1
) AS newest

-- name: homes
SELECT gateways.id AS gateway, heard_at, alerts.id IS NOT NULL AS silent, waiting, plan, software
FROM gateways
LEFT JOIN alerts ON alerts.gateway = gateways.id AND alerts.patient IS NULL
    AND alerts.rule = %(silence)s AND alerts.state <> 'resolved'
WHERE gateways.id = ANY(%(gateways)s)
ORDER BY gateways.id
