-- Wishes: what people wrote down of an organization, the plans that were made of it, and what is
-- looked after in Exchange because of it.

-- Every wish that was ever applied, whole. The latest revision is the one that holds.
CREATE TABLE wish (
    connector TEXT NOT NULL,
    revision INTEGER NOT NULL,
    text TEXT NOT NULL,
    -- file, console or rollback: whoever comes from elsewhere must not undo it unseen.
    origin TEXT NOT NULL,
    plan TEXT NOT NULL,
    person TEXT NOT NULL,
    person_name TEXT NOT NULL,
    kept INTEGER NOT NULL,
    PRIMARY KEY (connector, revision)
);

CREATE TABLE plan (
    id TEXT PRIMARY KEY,
    connector TEXT NOT NULL,
    origin TEXT NOT NULL,
    state TEXT NOT NULL,
    text TEXT NOT NULL,
    -- What it found: changes, problems, who is hit. A document of the engine.
    document TEXT NOT NULL,
    person TEXT NOT NULL,
    person_name TEXT NOT NULL,
    source TEXT NOT NULL,
    -- The revision that held when it was made.
    revision INTEGER NOT NULL,
    made INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    note TEXT
);
CREATE INDEX plan_by_time ON plan (connector, made, id);
CREATE UNIQUE INDEX plan_applying ON plan (connector) WHERE state = 'applying';

-- The writes of an apply, in the order they were sent; one that was cut short goes on with more.
CREATE TABLE plan_step (
    plan TEXT NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- What is written, and what it changes from and to.
    document TEXT NOT NULL,
    note TEXT,
    changed INTEGER NOT NULL,
    PRIMARY KEY (plan, position)
);

-- What is in Exchange by a wish: taken out of the wish, it is taken out of Exchange.
CREATE TABLE care (
    connector TEXT NOT NULL,
    thing TEXT NOT NULL,
    PRIMARY KEY (connector, thing)
);

-- What the last look at Exchange found to differ from the wish.
CREATE TABLE drift (
    connector TEXT PRIMARY KEY,
    checked INTEGER NOT NULL,
    document TEXT NOT NULL
);

-- What Exchange had of all this when it was read last, so that a decision can be explained without
-- asking again. A document of the engine.
CREATE TABLE observed (
    connector TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    document TEXT NOT NULL
);
