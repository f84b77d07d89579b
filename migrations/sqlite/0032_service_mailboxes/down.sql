ALTER TABLE ticket_messages DROP COLUMN mailbox_id;
DROP TABLE mailboxes;
