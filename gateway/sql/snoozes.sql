-- name: put
INSERT OR IGNORE INTO snooze (id, patient, ends_at, body) VALUES (?, ?, ?, ?)

-- name: of
SELECT body FROM snooze WHERE patient = ? ORDER BY ends_at DESC, id

-- name: ending_after
SELECT body FROM snooze WHERE ends_at > ? ORDER BY ends_at, id
