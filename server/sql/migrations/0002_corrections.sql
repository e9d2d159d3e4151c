-- Readings that were entered in error, and who says so. A correction can arrive before its reading,
-- since it passes the backlog; the reading is then struck out as it is stored.
CREATE TABLE corrections (
    patient text COLLATE "C" NOT NULL,
    reading text COLLATE "C" NOT NULL,
    metric text COLLATE "C" NOT NULL,
    taken_at timestamptz NOT NULL,      -- home time, of the reading
    at timestamptz NOT NULL,            -- home time, of the correction
    by text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (patient, reading)
);
