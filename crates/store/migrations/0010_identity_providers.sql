-- Where people sign in who have no password here, and who is on the way there.

CREATE TABLE identity_provider (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    sealed BLOB,
    enabled BOOLEAN NOT NULL,
    created INTEGER NOT NULL
);

-- A browser that was sent to a provider: `hash` is that of the state it comes back with.
CREATE TABLE sign_in_attempt (
    hash BLOB PRIMARY KEY,
    sealed BLOB NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX sign_in_attempt_by_end ON sign_in_attempt (expires);
