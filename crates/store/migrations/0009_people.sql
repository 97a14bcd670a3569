-- People, what they may do, and how they are let in.

-- `provider` is empty for those whose password is kept here; `subject` is then their user name in
-- lower case.
CREATE TABLE person (
    id TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT,
    address TEXT,
    member_of TEXT NOT NULL,
    disabled BOOLEAN NOT NULL,
    created INTEGER NOT NULL,
    last_sign_in INTEGER,
    password TEXT,
    failures INTEGER NOT NULL,
    locked_until INTEGER,
    UNIQUE (provider, subject)
);

-- The second step of signing in. `last_step` is the time step of the last code that was taken.
CREATE TABLE totp (
    person TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    confirmed BOOLEAN NOT NULL,
    last_step INTEGER NOT NULL
);
CREATE TABLE recovery_code (
    person TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (person, hash)
);

-- Roles beside the built-in ones.
CREATE TABLE role (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL
);
CREATE TABLE collection (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    query TEXT NOT NULL,
    created INTEGER NOT NULL
);
CREATE TABLE assignment (
    id TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    assignee TEXT NOT NULL,
    place TEXT NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (role, assignee, place)
);

CREATE TABLE token (
    id TEXT PRIMARY KEY,
    hash BLOB NOT NULL,
    person TEXT NOT NULL,
    name TEXT NOT NULL,
    permissions TEXT NOT NULL,
    place TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    last_used INTEGER
);
CREATE INDEX token_by_person ON token (person);

-- Those who are signed in sign in again.
DROP TABLE session;
CREATE TABLE session (
    hash BLOB PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    person TEXT NOT NULL,
    began INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    way TEXT NOT NULL,
    address TEXT,
    agent TEXT
);
CREATE INDEX session_by_end ON session (expires);
CREATE INDEX session_by_person ON session (person);
