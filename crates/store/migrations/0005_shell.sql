-- Shells that are open on servers of Exchange: those of a process that was killed are given back.

CREATE TABLE shell (
    connector TEXT NOT NULL REFERENCES connector (id),
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    PRIMARY KEY (connector, id)
);
