-- Whether ActiveSync is on for a mailbox: the second question that Exchange asks of a device. Nothing
-- until the mailbox is read again.
ALTER TABLE mailbox ADD COLUMN active_sync_enabled BOOLEAN;
