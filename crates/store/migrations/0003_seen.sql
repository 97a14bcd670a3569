-- What a full pass that may be cut has seen: the GUIDs of one page in a row, 16 bytes each.

CREATE TABLE seen (
    sequence SEQUENCE KEY,
    connector TEXT NOT NULL REFERENCES connector (id),
    guids BLOB NOT NULL
);
CREATE INDEX seen_by_connector ON seen (connector, sequence);
-- Pages were compared with it.
DROP INDEX device_by_made;
