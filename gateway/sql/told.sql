-- name: put
INSERT OR IGNORE INTO told (kind, seq, body) VALUES (?, ?, ?)

-- name: last
SELECT coalesce(max(seq), 0) FROM told WHERE kind = ?
