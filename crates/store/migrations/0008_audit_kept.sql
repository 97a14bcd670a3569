-- The audit: signed checkpoints, parts that were closed, where it is streamed to; and the database
-- itself refuses to change it.

CREATE INDEX audit_by_event ON audit (event, sequence);
CREATE INDEX audit_by_actor ON audit (actor, sequence);

CREATE TABLE audit_checkpoint (
    sequence INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    signer BLOB NOT NULL,
    signature BLOB NOT NULL
);

-- The seal of a closed part stays for ever; its entries leave the table above.
CREATE TABLE audit_segment (
    last_entry INTEGER PRIMARY KEY,
    first_entry INTEGER NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    closed_by TEXT NOT NULL,
    file TEXT NOT NULL,
    signer BLOB NOT NULL,
    signature BLOB NOT NULL
);

-- How far whoever receives the entries has got.
CREATE TABLE audit_stream (
    name TEXT PRIMARY KEY,
    configuration TEXT NOT NULL,
    position INTEGER NOT NULL,
    trouble TEXT,
    troubled_since INTEGER,
    last_sent INTEGER
);

-- [sqlite]
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'an entry of the audit is never changed'); END;
CREATE TRIGGER audit_removed BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_segment
    WHERE OLD.sequence BETWEEN first_entry AND last_entry)
BEGIN SELECT RAISE(ABORT, 'only entries of a closed part leave the audit'); END;
-- INSERT OR REPLACE would remove a row without asking the trigger above.
CREATE TRIGGER audit_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE sequence = NEW.sequence)
BEGIN SELECT RAISE(ABORT, 'an entry of the audit is never replaced'); END;
CREATE TRIGGER audit_checkpoint_unchanged BEFORE UPDATE ON audit_checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never changed'); END;
CREATE TRIGGER audit_checkpoint_removed BEFORE DELETE ON audit_checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never removed'); END;
CREATE TRIGGER audit_checkpoint_replaced BEFORE INSERT ON audit_checkpoint
WHEN EXISTS (SELECT 1 FROM audit_checkpoint WHERE sequence = NEW.sequence)
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never replaced'); END;
CREATE TRIGGER audit_segment_unchanged BEFORE UPDATE ON audit_segment
BEGIN SELECT RAISE(ABORT, 'a seal is never changed'); END;
CREATE TRIGGER audit_segment_removed BEFORE DELETE ON audit_segment
BEGIN SELECT RAISE(ABORT, 'a seal is never removed'); END;
CREATE TRIGGER audit_segment_replaced BEFORE INSERT ON audit_segment
WHEN EXISTS (SELECT 1 FROM audit_segment WHERE last_entry = NEW.last_entry)
BEGIN SELECT RAISE(ABORT, 'a seal is never replaced'); END;
-- [postgres]
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'nothing of % is changed or removed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION audit_refuse_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM audit_segment
        WHERE OLD.sequence BETWEEN first_entry AND last_entry) THEN
        RAISE EXCEPTION 'only entries of a closed part leave the audit'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_removed BEFORE DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_open();
CREATE TRIGGER audit_emptied BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoint_unchanged BEFORE UPDATE OR DELETE ON audit_checkpoint
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoint_emptied BEFORE TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_segment_unchanged BEFORE UPDATE OR DELETE ON audit_segment
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_segment_emptied BEFORE TRUNCATE ON audit_segment
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
