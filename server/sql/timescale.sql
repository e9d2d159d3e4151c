-- The administrator installs the extension (CREATE EXTENSION timescaledb): that takes a superuser.
-- name: is_installed
SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'

-- "apache" or "timescale".
-- name: licence
SELECT current_setting('timescaledb.license', true)

-- name: is_hypertable
SELECT EXISTS (
    SELECT FROM timescaledb_information.hypertables WHERE hypertable_name = 'readings'
)

-- name: make_hypertable
SELECT create_hypertable(
    'readings', 'taken_at', chunk_time_interval => interval '28 days',
    create_default_indexes => false, migrate_data => true, if_not_exists => true
)

-- Sparse vital signs: a segment of one metric over all patients fills its batches (10.8 x), one of
-- one patient does not (3.5 x).
-- name: compress
ALTER TABLE readings SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'metric',
    timescaledb.compress_orderby = 'patient, taken_at, id'
)

-- name: compress_later
SELECT add_compression_policy('readings', interval '56 days', if_not_exists => true)
