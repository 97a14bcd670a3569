-- Connectors, what was read through them, and the work on them.
--
-- Read by `migration.rs`: TEXT, INTEGER (64 bits), BOOLEAN, BLOB and SEQUENCE KEY become what the
-- database at hand calls them; what stands between [sqlite] or [postgres] and [both] is for that
-- database alone. Times are milliseconds since 1970, UTC. Documents are JSON.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE connector (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    endpoint TEXT NOT NULL,
    organization_key TEXT UNIQUE,
    organization_name TEXT,
    state TEXT NOT NULL,
    trouble TEXT,
    created INTEGER NOT NULL,
    last_full_sync INTEGER
);

CREATE TABLE connector_secret (
    connector TEXT PRIMARY KEY REFERENCES connector (id),
    sealed BLOB NOT NULL
);

CREATE TABLE pass (
    id TEXT PRIMARY KEY,
    connector TEXT NOT NULL REFERENCES connector (id),
    kind TEXT NOT NULL,
    started INTEGER NOT NULL,
    finished INTEGER,
    outcome TEXT,
    devices INTEGER NOT NULL,
    added INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    poisoned INTEGER NOT NULL,
    mailboxes INTEGER NOT NULL,
    statistics INTEGER NOT NULL
);
CREATE INDEX pass_by_connector ON pass (connector, started);

CREATE TABLE job (
    id TEXT PRIMARY KEY,
    connector TEXT NOT NULL REFERENCES connector (id),
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    step TEXT,
    done INTEGER NOT NULL,
    expected INTEGER,
    outcome TEXT,
    created INTEGER NOT NULL,
    started INTEGER,
    finished INTEGER
);
CREATE INDEX job_by_time ON job (created, id);
-- One open job of a kind for a connector, and at most one running job for a connector.
CREATE UNIQUE INDEX job_open ON job (connector, kind) WHERE state IN ('waiting', 'running');
CREATE UNIQUE INDEX job_running ON job (connector) WHERE state = 'running';

CREATE TABLE session (
    hash BLOB PRIMARY KEY,
    expires INTEGER NOT NULL
);
CREATE INDEX session_by_end ON session (expires);

CREATE TABLE server (
    connector TEXT NOT NULL REFERENCES connector (id),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    fqdn TEXT,
    distinguished_name TEXT,
    site TEXT,
    version TEXT,
    role TEXT,
    is_client_access BOOLEAN NOT NULL,
    is_mailbox BOOLEAN NOT NULL,
    is_edge BOOLEAN NOT NULL,
    PRIMARY KEY (connector, position)
);

-- No foreign key from here on: writers of many rows hold the connector's row instead.
CREATE TABLE mailbox (
    connector TEXT NOT NULL,
    dn_key TEXT NOT NULL,
    hash INTEGER NOT NULL,
    guid TEXT,
    distinguished_name TEXT NOT NULL,
    display_name TEXT,
    alias TEXT,
    sam_account_name TEXT,
    user_principal_name TEXT,
    primary_smtp_address TEXT,
    allowed_device_ids TEXT NOT NULL,
    blocked_device_ids TEXT NOT NULL,
    policy TEXT,
    PRIMARY KEY (connector, dn_key)
);

CREATE TABLE device (
    sequence SEQUENCE KEY,
    id TEXT NOT NULL,
    connector TEXT NOT NULL,
    guid TEXT NOT NULL,
    hash INTEGER NOT NULL,
    observed INTEGER NOT NULL,
    gone_since INTEGER,
    access_state TEXT NOT NULL,
    access_reason TEXT,
    access_rule TEXT,
    owner_user TEXT,
    owner_mailbox TEXT,
    owner_name TEXT,
    owner_dn TEXT,
    identity TEXT,
    distinguished_name TEXT,
    device_id TEXT,
    friendly_name TEXT,
    device_type TEXT,
    model TEXT,
    os TEXT,
    os_language TEXT,
    user_agent TEXT,
    imei TEXT,
    phone_number TEXT,
    operator TEXT,
    client_type TEXT,
    client_version TEXT,
    first_sync INTEGER,
    when_created INTEGER,
    when_changed INTEGER,
    other TEXT NOT NULL,
    statistics_observed INTEGER,
    statistics_guid TEXT,
    statistics_identity TEXT,
    statistics_device_id TEXT,
    statistics_first_sync INTEGER,
    last_sync_attempt INTEGER,
    last_success_sync INTEGER,
    policy TEXT,
    policy_status TEXT,
    wipe_status TEXT,
    wipe_requested INTEGER,
    wipe_sent INTEGER,
    wipe_acknowledged INTEGER,
    statistics_other TEXT
);
-- What a row is found and written by.
CREATE UNIQUE INDEX device_by_id ON device (id);
-- Totals of a whole organization, read from the index alone.
CREATE INDEX device_by_state ON device (connector, access_state, gone_since);
-- Who has not synchronized for long.
CREATE INDEX device_by_last_sync ON device (last_success_sync);
-- Few rows.
CREATE INDEX device_gone ON device (gone_since) WHERE gone_since IS NOT NULL;

-- [postgres]
CREATE INDEX device_wiped ON device (wipe_status) WHERE wipe_status <> 'none';
CREATE INDEX device_by_user ON device (lower(owner_user));
-- [sqlite]
-- The texts that words are looked for in, and the beginnings of fields that only few texts stand
-- in, as trigrams: `filter/words.rs` asks for them. A field begins with its letter of Unicode's
-- private use area, twice, so that its beginning can be told from its middle. The letters A-Z are
-- small, for searches ignore their case. Filled when the inventory is large: see `search.sql`.
CREATE VIEW device_words (sequence, words) AS SELECT sequence, lower(
    char(57344, 57344) || coalesce(owner_user, 'unknown') || '_' || coalesce(device_type, 'device')
    || coalesce(char(57344, 57344) || friendly_name, '')
    || coalesce(char(57344, 57344) || owner_name, '')
    || coalesce(char(57345, 57345) || model, '')
    || coalesce(char(57346, 57346) || device_id, '')
    || char(57347, 57347) || substr(access_state, 1, 1)
    || coalesce(char(57348, 57348) || substr(access_reason, 1, 1), '')
    || coalesce(char(57349, 57349) || substr(device_type, 1, 4), '')
    || coalesce(char(57350, 57350) || substr(os, 1, 8), '')
    || char(57351, 57351) || substr(connector, 1, 4)
) FROM device;

CREATE VIRTUAL TABLE device_text USING fts5 (
    words, content = '', contentless_delete = 1, detail = none,
    tokenize = 'trigram case_sensitive 1');
INSERT INTO device_text (device_text, rank) VALUES ('hashsize', 4194304);
-- Its trigrams in their order, for words that are shorter than one.
CREATE VIRTUAL TABLE device_terms USING fts5vocab (device_text, row);

-- [both]
