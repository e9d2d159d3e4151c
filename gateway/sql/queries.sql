-- name: add_record
-- A record that is there already (same content, same id) changes nothing.
INSERT OR IGNORE INTO record (id, kind, lane, at, patient, name, body, raw)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: readings_between
-- After the first moment, up to and with the second, oldest first; struck ones left out.
SELECT record.body FROM record
WHERE kind = 'reading' AND name = ? AND record.at > ? AND record.at <= ?
  AND NOT EXISTS (SELECT 1 FROM struck WHERE struck.id = record.id)
ORDER BY record.at, record.id

-- name: reading_by_id
SELECT record.body FROM record
WHERE record.id = ? AND kind = 'reading'
  AND NOT EXISTS (SELECT 1 FROM struck WHERE struck.id = record.id)

-- name: findings_since
SELECT record.body FROM record
WHERE kind = 'finding' AND name = ? AND record.at >= ?
  AND NOT EXISTS (SELECT 1 FROM struck WHERE struck.id = record.id)
ORDER BY record.at, record.id

-- name: strike
INSERT OR IGNORE INTO struck (id, by, at) VALUES (?, ?, ?)

-- name: unstrike
DELETE FROM struck WHERE id = ?

-- name: ask_again
UPDATE prompt SET state = 'open' WHERE state = 'withdrawn' AND finding = ?

-- name: is_struck
SELECT 1 FROM struck WHERE id = ?

-- name: put_state
INSERT INTO rule_state (key, body) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET body = excluded.body

-- name: states
SELECT key, body FROM rule_state

-- name: delivered
SELECT print FROM delivery WHERE mid = ?

-- name: put_delivery
INSERT OR REPLACE INTO delivery (mid, print) VALUES (?, ?)

-- name: forget_deliveries
DELETE FROM delivery

-- name: outbox
-- What a lane has that the server has not committed, in the order in which it was written.
SELECT seq, id, kind, lane, at, body FROM record
WHERE lane = ? AND seq > coalesce((SELECT sent.seq FROM sent WHERE sent.lane = ?), 0)
ORDER BY seq LIMIT ?

-- name: last_at
-- Among the last few: a record can be older than those before it.
SELECT max(at) FROM (SELECT at FROM record ORDER BY seq DESC LIMIT 1000)

-- name: waiting
SELECT count(*) FROM record
WHERE lane = ? AND seq > coalesce((SELECT sent.seq FROM sent WHERE sent.lane = ?), 0)

-- name: mark_sent
INSERT INTO sent (lane, seq) VALUES (?, ?)
ON CONFLICT (lane) DO UPDATE SET seq = max(sent.seq, excluded.seq)

-- name: put_fact
INSERT INTO fact (device, name, value, at) VALUES (?, ?, ?, ?)
ON CONFLICT (device, name) DO UPDATE SET value = excluded.value, at = excluded.at

-- name: facts
SELECT device, name, value FROM fact

-- name: open_prompt
INSERT OR IGNORE INTO prompt (id, finding, patient, at, expires_at, state, body)
VALUES (?, ?, ?, ?, ?, 'open', ?)

-- name: put_answered
UPDATE prompt SET answered = ? WHERE id = ?

-- name: close_prompt
UPDATE prompt SET state = ? WHERE id = ? AND state = 'open'

-- name: expire_prompts
UPDATE prompt SET state = 'expired' WHERE state = 'open' AND expires_at <= ?

-- name: withdraw_prompts
-- A prompt whose finding no longer stands asks nothing any more.
UPDATE prompt SET state = 'withdrawn'
WHERE state = 'open' AND finding = ?

-- name: prompt_by_id
SELECT state, answered, body FROM prompt WHERE id = ?

-- name: open_prompts
SELECT state, answered, body FROM prompt
WHERE state = 'open' AND expires_at > ?
  AND NOT EXISTS (SELECT 1 FROM later WHERE later.prompt = prompt.id AND later.show_from > ?)
ORDER BY at DESC

-- name: waiting_prompts
-- Those that are shown later, and when.
SELECT prompt.state, prompt.answered, prompt.body, later.show_from
FROM later JOIN prompt ON prompt.id = later.prompt
WHERE prompt.state = 'open' AND later.show_from > ? ORDER BY later.show_from, prompt.id

-- name: withdraw_all
-- Whom nobody asks anything any more: only what is as urgent as that stays.
UPDATE prompt SET state = 'withdrawn'
WHERE state = 'open' AND patient = ? AND json_extract(CAST(body AS TEXT), '$.tier') < ?

-- name: put_later
INSERT OR REPLACE INTO later (prompt, show_from) VALUES (?, ?)

-- name: extend_prompt
UPDATE prompt SET expires_at = expires_at + ? WHERE id = ?

-- name: next_later
SELECT min(show_from) FROM later

-- name: shown_by_now
SELECT prompt.state, prompt.answered, prompt.body FROM later JOIN prompt ON prompt.id = later.prompt
WHERE later.show_from <= :at AND prompt.state = 'open' AND prompt.expires_at > :at
ORDER BY prompt.at, prompt.id

-- name: drop_shown
DELETE FROM later WHERE show_from <= ?

-- name: close_repeats
-- What was asked to be measured again was, or the time for it is over.
UPDATE prompt SET state = 'answered'
WHERE state = 'open' AND patient = ? AND finding IN (
    SELECT id FROM record
    WHERE kind = 'finding' AND name = ? AND id = prompt.finding
      AND json_extract(CAST(body AS TEXT), '$.phase') <> 'active'
)

-- name: close_doubts
-- A reading that can be trusted came after one that could not.
UPDATE prompt SET state = 'answered'
WHERE state = 'open' AND patient = ? AND finding IN (
    SELECT id FROM record
    WHERE kind = 'finding' AND name = ? AND id = prompt.finding
      AND json_extract(CAST(body AS TEXT), '$.phase') = 'suppressed'
)

-- name: put_alive
INSERT INTO alive (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = excluded.at

-- name: alive
SELECT at FROM alive

-- name: put_notice
INSERT OR IGNORE INTO notice (seq, body) VALUES (?, ?)

-- name: last_notice
SELECT coalesce(max(seq), 0) FROM notice

-- name: notices
SELECT body FROM notice ORDER BY seq DESC LIMIT ?

-- name: refuse
INSERT INTO refused (source, reason, count, last) VALUES (?, ?, 1, ?)
ON CONFLICT (source, reason) DO UPDATE SET count = refused.count + 1, last = excluded.last
RETURNING count

-- name: refusals
SELECT source, reason, count, last FROM refused ORDER BY last DESC LIMIT ?

-- name: latest_by_metric
-- The newest standing reading of each metric of one person.
SELECT body FROM (
    SELECT record.body, row_number() OVER (PARTITION BY name ORDER BY record.at DESC, id DESC) AS rank
    FROM record
    WHERE kind = 'reading' AND patient = ?
      AND NOT EXISTS (SELECT 1 FROM struck WHERE struck.id = record.id)
) WHERE rank = 1

-- name: newest_of_metric
SELECT record.body FROM record
WHERE kind = 'reading' AND name = ? AND patient = ?
  AND NOT EXISTS (SELECT 1 FROM struck WHERE struck.id = record.id)
ORDER BY record.at DESC, record.id DESC LIMIT 1

-- name: newest_of_device
-- Looked for only when a device is moved: it reads back through the metric's past.
SELECT record.body FROM record
WHERE kind = 'reading' AND name = ?
  AND json_extract(CAST(record.body AS TEXT), '$.device') = ?
  AND NOT EXISTS (SELECT 1 FROM struck WHERE struck.id = record.id)
ORDER BY record.at DESC, record.id DESC LIMIT 1

-- name: last_alerts
SELECT body FROM record WHERE kind = 'alert' ORDER BY seq DESC LIMIT ?

-- name: counts
SELECT kind, count(*) FROM record GROUP BY kind
