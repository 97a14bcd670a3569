-- Notifications: what happened and is to be told, where it is told, and what became of it.

-- What happened. A row waits without a message; rows that are told together get the same one, and go
-- when its deliveries are there.
CREATE TABLE news (
    sequence SEQUENCE KEY,
    at INTEGER NOT NULL,
    topic TEXT NOT NULL,
    connector TEXT NOT NULL DEFAULT '',
    device TEXT,
    document TEXT NOT NULL DEFAULT '{}',
    message TEXT
);
CREATE INDEX news_by_message ON news (message, sequence);

CREATE TABLE channel (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL,
    sealed BLOB,
    trouble TEXT,
    enabled BOOLEAN NOT NULL,
    created INTEGER NOT NULL
);

CREATE TABLE subscription (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    channel TEXT NOT NULL REFERENCES channel (id),
    settings TEXT NOT NULL,
    created INTEGER NOT NULL
);

CREATE TABLE notification_template (
    topic TEXT NOT NULL,
    language TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (topic, language)
);

-- A delivery outlives its channel and its subscription: so it has their names, too.
CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    channel_name TEXT NOT NULL,
    subscription_name TEXT,
    topic TEXT NOT NULL,
    recipient TEXT,
    language TEXT NOT NULL,
    document TEXT NOT NULL,
    state TEXT NOT NULL,
    created INTEGER NOT NULL,
    next_attempt INTEGER NOT NULL,
    give_up INTEGER NOT NULL,
    claimed_until INTEGER,
    attempts INTEGER NOT NULL,
    outcome TEXT
);
CREATE INDEX delivery_due ON delivery (next_attempt) WHERE state = 'waiting';
CREATE INDEX delivery_by_time ON delivery (created, id);

CREATE TABLE delivery_attempt (
    delivery TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    succeeded BOOLEAN NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (delivery, number)
);

-- Whoever writes devices, what is new of them is noted in the same transaction. The first full pass
-- of a connector says nothing: everything would be new.
-- [sqlite]
CREATE TRIGGER device_is_new AFTER INSERT ON device
    WHEN (SELECT last_full_sync FROM connector WHERE id = new.connector) IS NOT NULL
BEGIN
    INSERT INTO news (at, topic, connector, device)
        VALUES (new.observed, 'device.new', new.connector, new.id);
END;
CREATE TRIGGER device_is_new_in_quarantine AFTER INSERT ON device
    WHEN new.access_state = 'quarantined'
    AND (SELECT last_full_sync FROM connector WHERE id = new.connector) IS NOT NULL
BEGIN
    INSERT INTO news (at, topic, connector, device)
        VALUES (new.observed, 'device.quarantined', new.connector, new.id);
END;
CREATE TRIGGER device_is_quarantined AFTER UPDATE OF access_state ON device
    WHEN new.access_state = 'quarantined' AND old.access_state <> 'quarantined'
    AND (SELECT last_full_sync FROM connector WHERE id = new.connector) IS NOT NULL
BEGIN
    INSERT INTO news (at, topic, connector, device)
        VALUES (new.observed, 'device.quarantined', new.connector, new.id);
END;
-- [postgres]
CREATE FUNCTION note_device() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM connector WHERE id = new.connector AND last_full_sync IS NOT NULL) THEN
        INSERT INTO news (at, topic, connector, device)
            VALUES (new.observed, TG_ARGV[0], new.connector, new.id);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER device_is_new AFTER INSERT ON device
    FOR EACH ROW EXECUTE FUNCTION note_device('device.new');
CREATE TRIGGER device_is_new_in_quarantine AFTER INSERT ON device
    FOR EACH ROW WHEN (new.access_state = 'quarantined')
    EXECUTE FUNCTION note_device('device.quarantined');
CREATE TRIGGER device_is_quarantined AFTER UPDATE OF access_state ON device
    FOR EACH ROW WHEN (new.access_state = 'quarantined' AND old.access_state <> 'quarantined')
    EXECUTE FUNCTION note_device('device.quarantined');
