ALTER TABLE events DROP COLUMN client_tag;
DROP INDEX ticket_messages_channel_message_key;
DROP INDEX ticket_messages_channel_key;
DROP INDEX ticket_messages_conversation_id;
ALTER TABLE ticket_messages DROP COLUMN conversation_id;
ALTER TABLE ticket_messages DROP COLUMN channel_id;
CREATE UNIQUE INDEX ticket_messages_channel_key ON ticket_messages (tenant_id, channel_message_id) WHERE archived_at IS NULL AND channel_message_id IS NOT NULL;
DROP TABLE channels;
