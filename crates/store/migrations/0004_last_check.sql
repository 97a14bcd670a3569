-- What the last check of a connector found, as a document; none since the connector was changed.

ALTER TABLE connector ADD COLUMN last_check TEXT;
