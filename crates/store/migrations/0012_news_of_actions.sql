-- Who is told, in which language; and news of actions, noted by the database as those of devices are,
-- so that a server killed at any moment has noted neither too much nor too little.

-- In which language somebody wants to be told; that of the subscription if they did not say.
ALTER TABLE person ADD COLUMN language TEXT;

-- [sqlite]
CREATE TRIGGER request_is_held_at_once AFTER INSERT ON request
    WHEN new.hold IS NOT NULL
BEGIN
    INSERT INTO news (at, topic, document)
        VALUES (new.asked, 'approval.wanted', '{"request":"' || new.id || '"}');
END;
CREATE TRIGGER request_is_held AFTER UPDATE OF hold ON request
    WHEN new.hold IS NOT NULL AND old.hold IS NULL
BEGIN
    INSERT INTO news (at, topic, document)
        VALUES (new.asked, 'approval.wanted', '{"request":"' || new.id || '"}');
END;
CREATE TRIGGER action_has_failed AFTER UPDATE OF state ON action
    WHEN new.state = 'failed' AND old.state <> 'failed'
BEGIN
    INSERT INTO news (at, topic, connector, device, document) VALUES
        (new.changed, 'action.failed', new.connector, new.device, '{"action":"' || new.id || '"}');
END;
-- [postgres]
CREATE FUNCTION note_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO news (at, topic, document)
        VALUES (new.asked, 'approval.wanted', '{"request":"' || new.id || '"}');
    RETURN NULL;
END
$$;
CREATE TRIGGER request_is_held_at_once AFTER INSERT ON request
    FOR EACH ROW WHEN (new.hold IS NOT NULL) EXECUTE FUNCTION note_request();
CREATE TRIGGER request_is_held AFTER UPDATE OF hold ON request
    FOR EACH ROW WHEN (new.hold IS NOT NULL AND old.hold IS NULL)
    EXECUTE FUNCTION note_request();
CREATE FUNCTION note_action() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO news (at, topic, connector, device, document) VALUES
        (new.changed, 'action.failed', new.connector, new.device, '{"action":"' || new.id || '"}');
    RETURN NULL;
END
$$;
CREATE TRIGGER action_has_failed AFTER UPDATE OF state ON action
    FOR EACH ROW WHEN (new.state = 'failed' AND old.state <> 'failed')
    EXECUTE FUNCTION note_action();
