-- When Exchange's decision about a device became another, noted with the row that says so.
CREATE TABLE access_change (
    sequence SEQUENCE KEY,
    device TEXT NOT NULL,
    at INTEGER NOT NULL,
    was TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT
);
CREATE INDEX access_change_of ON access_change (device, sequence);

-- [sqlite]
CREATE TRIGGER device_changed_access AFTER UPDATE OF access_state ON device
    WHEN new.access_state <> old.access_state
BEGIN
    INSERT INTO access_change (device, at, was, state, reason)
        VALUES (new.id, new.observed, old.access_state, new.access_state, new.access_reason);
END;
CREATE TRIGGER device_has_left AFTER DELETE ON device
BEGIN
    DELETE FROM access_change WHERE device = old.id;
END;
-- [postgres]
CREATE FUNCTION note_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO access_change (device, at, was, state, reason)
        VALUES (new.id, new.observed, old.access_state, new.access_state, new.access_reason);
    RETURN NULL;
END
$$;
CREATE TRIGGER device_changed_access AFTER UPDATE OF access_state ON device
    FOR EACH ROW WHEN (new.access_state <> old.access_state) EXECUTE FUNCTION note_access();
CREATE FUNCTION forget_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM access_change WHERE device = old.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER device_has_left AFTER DELETE ON device
    FOR EACH ROW EXECUTE FUNCTION forget_access();
