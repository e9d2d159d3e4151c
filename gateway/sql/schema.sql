-- The home's one log: everything that it heard, decided and said, in order. Nothing is updated
-- here. `at` is home time in microseconds since 1970 (UTC); `name` is the metric of a reading,
-- the rule of a finding; `body` is the JSON that the server gets; `raw` is what was on air.
CREATE TABLE IF NOT EXISTS record (
    seq     INTEGER PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,
    kind    TEXT NOT NULL,
    lane    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    patient TEXT NOT NULL DEFAULT '',
    name    TEXT NOT NULL DEFAULT '',
    body    BLOB NOT NULL,
    raw     BLOB
) STRICT;

-- Windows are rebuilt from a metric's past; findings are looked up by their rule.
CREATE INDEX IF NOT EXISTS record_by_name ON record (kind, name, at);

-- The urgent lane is looked at before each batch, and is nearly always empty.
CREATE INDEX IF NOT EXISTS record_urgent ON record (seq) WHERE lane = 'urgent';

-- Records that no longer stand, and why: a finding undone by a late reading, a reading entered
-- in error. The record itself stays.
CREATE TABLE IF NOT EXISTS struck (
    id TEXT PRIMARY KEY,
    by TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Phases and sums of the rules, written with the reading that changed them.
CREATE TABLE IF NOT EXISTS rule_state (
    key  TEXT PRIMARY KEY,
    body BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the server has committed each lane.
CREATE TABLE IF NOT EXISTS sent (
    lane TEXT PRIMARY KEY,
    seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last message of each packet id of the broker's session: a redelivery after a crash looks
-- like this one, and a payload without a time would otherwise count again.
CREATE TABLE IF NOT EXISTS delivery (
    mid   INTEGER PRIMARY KEY,
    print BLOB NOT NULL
) STRICT;

-- What decoders learned about devices (a polarity, a packet count) and what is known of their
-- link: the latest only.
CREATE TABLE IF NOT EXISTS fact (
    device TEXT NOT NULL,
    name   TEXT NOT NULL,
    value  BLOB NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (device, name)
) STRICT, WITHOUT ROWID;

-- Prompts as the home page shows them: open, answered, expired or withdrawn. `answered` is a
-- JSON list of the questions that have an answer.
CREATE TABLE IF NOT EXISTS prompt (
    id         TEXT PRIMARY KEY,
    finding    TEXT NOT NULL,
    patient    TEXT NOT NULL,
    at         INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    state      TEXT NOT NULL,
    answered   TEXT NOT NULL DEFAULT '[]',
    body       BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Prompts that wait, for the quiet hours to end or since they were put off: taken out when they
-- are shown.
CREATE TABLE IF NOT EXISTS later (
    prompt    TEXT PRIMARY KEY,
    show_from INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last moment at which the gateway is known to have run: one row.
CREATE TABLE IF NOT EXISTS alive (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at  INTEGER NOT NULL
) STRICT;

-- What staff need not hear of for a while.
CREATE TABLE IF NOT EXISTS snooze (
    id      TEXT PRIMARY KEY,
    patient TEXT NOT NULL,
    ends_at INTEGER NOT NULL,
    body    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- News from the care team of alerts that this home caused, by the server's sequence.
CREATE TABLE IF NOT EXISTS notice (
    seq  INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- Corrections that staff made, by the server's sequence: those of readings that this home does not
-- have are kept too.
CREATE TABLE IF NOT EXISTS told_correction (
    seq  INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- What else staff told this home, by its kind and the server's sequence: applied once.
CREATE TABLE IF NOT EXISTS told (
    kind TEXT NOT NULL,
    seq  INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, seq)
) STRICT, WITHOUT ROWID;

-- States of people that end by themselves: taken out when the end is reached.
CREATE TABLE IF NOT EXISTS state_end (
    patient TEXT NOT NULL,
    metric  TEXT NOT NULL,
    ends_at INTEGER NOT NULL,
    PRIMARY KEY (patient, metric)
) STRICT, WITHOUT ROWID;

-- How often each source was refused for each reason; the first of them are kept as records.
CREATE TABLE IF NOT EXISTS refused (
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    count  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    PRIMARY KEY (source, reason)
) STRICT, WITHOUT ROWID;

-- Readings of which nobody knows yet whose they are. `id` is the reading's as the enrolled
-- person's, so that a repeat is known again; `weighing` is the id of the one that is asked about.
-- `state`: open, given (to `patient`), nobody (it was someone else) or lapsed (never answered).
CREATE TABLE IF NOT EXISTS held (
    id       TEXT PRIMARY KEY,
    weighing TEXT NOT NULL,
    device   TEXT NOT NULL,
    at       INTEGER NOT NULL,
    state    TEXT NOT NULL,
    patient  TEXT NOT NULL DEFAULT '',
    asked    TEXT NOT NULL,
    why      TEXT NOT NULL,
    body     BLOB NOT NULL,
    raw      BLOB
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS held_by_state ON held (state, at);

-- Devices that were added on the home page, beside those of the settings, by `body`.
CREATE TABLE IF NOT EXISTS enrolled (
    device TEXT PRIMARY KEY,
    body   BLOB NOT NULL
) STRICT, WITHOUT ROWID;
