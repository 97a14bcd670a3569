-- What a connector needs to live for years: what it reads and when, its endpoints, what happened to
-- it, and how far a pass has come.

ALTER TABLE connector ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE connector ADD COLUMN paused BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE connector ADD COLUMN last_delta_sync INTEGER;
ALTER TABLE connector ADD COLUMN next_install INTEGER;
ALTER TABLE connector ADD COLUMN checkpoint TEXT;

ALTER TABLE pass ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass ADD COLUMN cmdlets INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass ADD COLUMN delayed_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass ADD COLUMN sessions_lost INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pass ADD COLUMN endpoint TEXT;

CREATE TABLE endpoint (
    connector TEXT NOT NULL REFERENCES connector (id),
    url TEXT NOT NULL,
    origin TEXT NOT NULL,
    site TEXT,
    version TEXT,
    failures INTEGER NOT NULL,
    rests_until INTEGER,
    trouble TEXT,
    last_success INTEGER,
    PRIMARY KEY (connector, url)
);

CREATE TABLE status_message (
    sequence SEQUENCE KEY,
    at INTEGER NOT NULL,
    connector TEXT NOT NULL,
    number INTEGER NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX status_message_by_connector ON status_message (connector, sequence);

-- Devices that left the inventory for want of activity.
ALTER TABLE device ADD COLUMN aged_since INTEGER;
CREATE INDEX device_aged ON device (aged_since) WHERE aged_since IS NOT NULL;
-- Totals are read from the index alone.
DROP INDEX device_by_state;
CREATE INDEX device_by_state ON device (connector, access_state, gone_since, aged_since);
-- Pages of a full pass, and the statistics that were read longest ago.
CREATE INDEX device_by_made ON device (connector, when_created);
CREATE INDEX device_by_statistics ON device (connector, statistics_observed);
