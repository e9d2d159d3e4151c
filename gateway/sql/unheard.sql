-- name: heard
-- By device, what it said in the last so many microseconds.
SELECT DISTINCT json_extract(CAST(body AS TEXT), '$.device'), name FROM record
WHERE kind = 'reading' AND at > (SELECT max(at) FROM record) - ?
