-- name: put
INSERT OR IGNORE INTO told_correction (seq, body) VALUES (?, ?)

-- name: last
SELECT coalesce(max(seq), 0) FROM told_correction
