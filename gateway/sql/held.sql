-- name: hold
INSERT OR IGNORE INTO held (id, weighing, device, at, state, patient, asked, why, body, raw)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: held_by_id
SELECT id, weighing, state, patient, asked, why, body, raw FROM held WHERE id = ?

-- name: held_near
-- The weighing on a device nearest to a moment, at most so many microseconds away.
SELECT id, weighing, state, patient, asked, why, body, raw FROM held
WHERE device = ? AND id = weighing AND abs(at - ?) <= ?
ORDER BY abs(at - ?), id LIMIT 1

-- name: open_weighings
-- The newest first.
SELECT id, weighing, state, patient, asked, why, body, raw FROM held
WHERE state = 'open' AND id = weighing ORDER BY at DESC, id LIMIT ? OFFSET ?

-- name: open_of_weighing
SELECT id, weighing, state, patient, asked, why, body, raw FROM held
WHERE weighing = ? AND state = 'open' ORDER BY at, id

-- name: close_weighing
UPDATE held SET state = ?, patient = ? WHERE weighing = ? AND state = 'open'

-- name: prune
-- What was answered long ago is known again no more.
DELETE FROM held WHERE id IN (
    SELECT id FROM held WHERE state <> 'open' ORDER BY at DESC LIMIT -1 OFFSET ?
)

-- name: is_recorded
SELECT 1 FROM record WHERE id = ? AND kind = 'reading'

-- name: last_before
-- A person's newest standing reading of a metric, up to and with a moment.
SELECT record.body FROM record
WHERE kind = 'reading' AND name = ? AND patient = ? AND record.at <= ?
  AND NOT EXISTS (SELECT 1 FROM struck WHERE struck.id = record.id)
ORDER BY record.at DESC LIMIT 1

-- name: first_after
SELECT record.body FROM record
WHERE kind = 'reading' AND name = ? AND patient = ? AND record.at > ?
  AND NOT EXISTS (SELECT 1 FROM struck WHERE struck.id = record.id)
ORDER BY record.at LIMIT 1

-- name: counted_near
-- Readings of a metric between two moments; standing or not: it says who stood there.
SELECT body FROM record WHERE kind = 'reading' AND name = ? AND at BETWEEN ? AND ?
ORDER BY at, id
