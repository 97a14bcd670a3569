-- Actions: what people asked for, and what became of it on each device.

CREATE TABLE request (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    person TEXT NOT NULL,
    person_name TEXT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    ticket TEXT,
    query TEXT,
    asked INTEGER NOT NULL,
    -- What the client calls it, so that the same request sent twice is one.
    repeat_key TEXT,
    devices INTEGER NOT NULL,
    -- Why it waits for somebody's approval; until when.
    hold TEXT,
    expires INTEGER,
    -- approved, rejected or cancelled, by whom and when.
    decision TEXT,
    decided_by TEXT,
    decided_name TEXT,
    decided INTEGER
);
CREATE INDEX request_by_time ON request (asked, id);
CREATE INDEX request_held ON request (asked) WHERE hold IS NOT NULL AND decision IS NULL;
CREATE UNIQUE INDEX request_repeated ON request (person, repeat_key) WHERE repeat_key IS NOT NULL;

CREATE TABLE action (
    sequence SEQUENCE KEY,
    id TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL REFERENCES request (id),
    connector TEXT NOT NULL,
    device TEXT NOT NULL,
    guid TEXT NOT NULL,
    device_id TEXT,
    owner_dn TEXT,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    person TEXT NOT NULL,
    state TEXT NOT NULL,
    batch INTEGER NOT NULL,
    -- Nothing is done about it before this.
    due INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    -- What stood before the cmdlet was sent.
    baseline TEXT,
    -- When the intent to send the cmdlet was put on record, the first time.
    intended INTEGER,
    -- When its effect was first seen.
    seen INTEGER,
    answer TEXT,
    -- Why it stands as it does, in one clause.
    note TEXT,
    changed INTEGER NOT NULL
);
CREATE INDEX action_by_request ON action (request, sequence);
CREATE INDEX action_by_device ON action (device, sequence);
CREATE INDEX action_open ON action (connector, due)
    WHERE state IN ('asked', 'approved', 'sending', 'sent', 'fetched');
CREATE INDEX action_intended ON action (intended) WHERE intended IS NOT NULL;
CREATE INDEX action_ended ON action (changed) WHERE state = 'failed';

-- Actions that something may be done about: not held, of their request the first batch that was not
-- sent whole, of their device the earliest that was not sent.
CREATE VIEW open_action AS SELECT a.* FROM action a JOIN request r ON r.id = a.request
    WHERE a.state IN ('asked', 'approved', 'sending', 'sent', 'fetched')
    AND (a.state NOT IN ('asked', 'approved') OR r.hold IS NULL OR r.decision IS NOT NULL)
    AND (a.state <> 'asked' OR a.batch = (SELECT min(c.batch) FROM action c
        WHERE c.request = a.request AND c.state IN ('asked', 'approved', 'sending')))
    AND (a.state NOT IN ('asked', 'approved') OR NOT EXISTS (SELECT 1 FROM action b
        JOIN request q ON q.id = b.request
        WHERE b.device = a.device AND b.sequence < a.sequence
        AND b.state IN ('asked', 'approved', 'sending')
        AND (q.hold IS NULL OR q.decision IS NOT NULL)));
