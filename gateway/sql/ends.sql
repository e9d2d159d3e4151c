-- name: put
INSERT INTO state_end (patient, metric, ends_at) VALUES (?, ?, ?)
ON CONFLICT (patient, metric) DO UPDATE SET ends_at = excluded.ends_at

-- name: drop
DELETE FROM state_end WHERE patient = ? AND metric = ?

-- name: ended_by
SELECT patient, metric, ends_at FROM state_end WHERE ends_at <= ? ORDER BY ends_at, patient, metric

-- name: next
SELECT min(ends_at) FROM state_end

-- name: of
SELECT ends_at FROM state_end WHERE patient = ? AND metric = ?
