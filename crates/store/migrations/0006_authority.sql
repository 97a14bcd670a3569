-- The audit, and who is behind a session.

-- What was done: `document` is what is hashed, the other columns are for finding it.
CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    actor TEXT NOT NULL,
    target TEXT,
    document TEXT NOT NULL,
    hash BLOB NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_target ON audit (target, sequence) WHERE target IS NOT NULL;

-- Those who are signed in sign in again.
DROP TABLE session;
CREATE TABLE session (
    hash BLOB PRIMARY KEY,
    person TEXT NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX session_by_end ON session (expires);
