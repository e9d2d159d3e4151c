-- The first server on a database makes the secret; the others keep it.
-- name: make_secret
INSERT INTO nonce_secret (secret) VALUES (%(secret)s) ON CONFLICT DO NOTHING

-- name: read_secret
SELECT secret FROM nonce_secret

-- Nothing is written where the nonce was spent before, or where the secret is another one by now.
-- name: spend
INSERT INTO spent_nonces (nonce, spent_at)
SELECT %(nonce)s, %(now)s
WHERE EXISTS (SELECT FROM nonce_secret WHERE secret = %(secret)s)
ON CONFLICT DO NOTHING

-- name: forget
DELETE FROM spent_nonces WHERE spent_at < %(before)s
