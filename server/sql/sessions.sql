-- name: user_for_sign_in
SELECT id, password_hash FROM users WHERE id = %(id)s

-- name: begin_session
INSERT INTO sessions (hash, user_id, seen_at, ends_at)
VALUES (%(hash)s, %(user)s, %(now)s, %(ends_at)s)

-- A session ends when it was idle for too long, and at its end in any case.
-- name: find_session
SELECT user_id, name, role, people, seen_at, ends_at
FROM sessions JOIN users ON users.id = user_id
WHERE hash = %(hash)s AND ends_at > %(now)s AND seen_at > %(seen_after)s

-- name: touch_session
UPDATE sessions SET seen_at = %(now)s WHERE hash = %(hash)s

-- name: end_session
DELETE FROM sessions WHERE hash = %(hash)s

-- name: forget_sessions
DELETE FROM sessions WHERE ends_at <= %(now)s

-- A user of the demo never takes the place of a real one.
-- name: put_user
INSERT INTO users (id, name, role, people, password_hash, demo)
VALUES (%(id)s, %(name)s, %(role)s, %(people)s, %(password_hash)s, %(demo)s)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, role = excluded.role, people = excluded.people,
    password_hash = excluded.password_hash, demo = excluded.demo
WHERE users.demo OR NOT excluded.demo

-- Users of the demo that the settings no longer name.
-- name: remove_demo_users
DELETE FROM users WHERE demo AND NOT id = ANY(%(keep)s)

-- name: list_users
SELECT id, name, role, people, demo FROM users ORDER BY id

-- name: remove_user
DELETE FROM users WHERE id = %(id)s
