-- What SQLite needs to search in a large inventory. Made once, when a pass has brought more devices
-- than are walked through in little time: all at once it costs a quarter of what it would row by row,
-- and a small inventory never pays for it. Each statement may be run again after a cut; the last part,
-- which is one transaction, says that all is there.

-- Every column that filters compare: `filter/narrow.rs` counts what ranges of them hold.
CREATE INDEX IF NOT EXISTS device_by_access ON device (access_state);
CREATE INDEX IF NOT EXISTS device_by_reason ON device (access_reason);
CREATE INDEX IF NOT EXISTS device_by_rule ON device (lower(access_rule));
CREATE INDEX IF NOT EXISTS device_by_user ON device (lower(owner_user));
CREATE INDEX IF NOT EXISTS device_by_display_name ON device (
    lower(coalesce(owner_user, 'unknown') || '_' || coalesce(device_type, 'device')));
CREATE INDEX IF NOT EXISTS device_by_friendly_name ON device (lower(friendly_name));
CREATE INDEX IF NOT EXISTS device_by_owner_name ON device (lower(owner_name));
CREATE INDEX IF NOT EXISTS device_by_mailbox ON device (lower(owner_mailbox));
CREATE INDEX IF NOT EXISTS device_by_device_id ON device (lower(device_id));
CREATE INDEX IF NOT EXISTS device_by_type ON device (lower(device_type));
CREATE INDEX IF NOT EXISTS device_by_model ON device (lower(model));
CREATE INDEX IF NOT EXISTS device_by_os ON device (lower(os));
CREATE INDEX IF NOT EXISTS device_by_language ON device (lower(os_language));
CREATE INDEX IF NOT EXISTS device_by_user_agent ON device (lower(user_agent));
CREATE INDEX IF NOT EXISTS device_by_imei ON device (lower(imei));
CREATE INDEX IF NOT EXISTS device_by_phone ON device (lower(phone_number));
CREATE INDEX IF NOT EXISTS device_by_operator ON device (lower(operator));
CREATE INDEX IF NOT EXISTS device_by_client ON device (lower(client_type));
CREATE INDEX IF NOT EXISTS device_by_version ON device (lower(client_version));
CREATE INDEX IF NOT EXISTS device_by_policy ON device (lower(policy));
CREATE INDEX IF NOT EXISTS device_by_policy_status ON device (lower(policy_status));
CREATE INDEX IF NOT EXISTS device_by_wipe ON device (wipe_status);
CREATE INDEX IF NOT EXISTS device_by_first_sync ON device (first_sync);
CREATE INDEX IF NOT EXISTS device_by_last_attempt ON device (last_sync_attempt);
CREATE INDEX IF NOT EXISTS device_by_created ON device (when_created);
CREATE INDEX IF NOT EXISTS device_by_changed ON device (when_changed);
CREATE INDEX IF NOT EXISTS device_by_observed ON device (observed);
-- Whom rules would hit is asked of groups of devices that are alike: from here they are read in order,
-- a fifth of the time that sorting them takes.
CREATE INDEX IF NOT EXISTS device_alike ON device (connector, device_type, model, os, user_agent,
    access_state, access_reason, owner_dn, gone_since) WHERE gone_since IS NULL;

-- [last]
INSERT INTO device_text (device_text) VALUES ('delete-all');
INSERT INTO device_text (rowid, words) SELECT sequence, words FROM device_words;

CREATE TRIGGER device_added AFTER INSERT ON device BEGIN
    INSERT INTO device_text (rowid, words)
    SELECT sequence, words FROM device_words WHERE sequence = new.sequence;
END;

CREATE TRIGGER device_changed AFTER UPDATE ON device WHEN
        old.owner_user IS NOT new.owner_user OR old.device_type IS NOT new.device_type
        OR old.friendly_name IS NOT new.friendly_name OR old.owner_name IS NOT new.owner_name
        OR old.model IS NOT new.model OR old.device_id IS NOT new.device_id
        OR old.access_state IS NOT new.access_state OR old.access_reason IS NOT new.access_reason
        OR old.os IS NOT new.os
BEGIN
    DELETE FROM device_text WHERE rowid = old.sequence;
    INSERT INTO device_text (rowid, words)
    SELECT sequence, words FROM device_words WHERE sequence = new.sequence;
END;

CREATE TRIGGER device_removed AFTER DELETE ON device BEGIN
    DELETE FROM device_text WHERE rowid = old.sequence;
END;
