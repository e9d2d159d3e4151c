-- name: enrolled
SELECT body FROM enrolled ORDER BY device

-- name: put_enrolled
INSERT INTO enrolled (device, body) VALUES (?, ?)
ON CONFLICT (device) DO UPDATE SET body = excluded.body

-- name: drop_enrolled
DELETE FROM enrolled WHERE device = ?
