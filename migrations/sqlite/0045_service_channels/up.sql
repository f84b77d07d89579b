CREATE TABLE channels (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    queue_id BLOB,
    language TEXT,
    outbound_url TEXT,
    sender_system TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    secret_number INTEGER NOT NULL,
    former_secret_until INTEGER,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id)
);
CREATE INDEX channels_name ON channels (tenant_id, name, created_at, id);
CREATE INDEX channels_kind ON channels (tenant_id, kind, created_at, id);
CREATE INDEX channels_created_at ON channels (tenant_id, created_at, id);
CREATE INDEX channels_updated_at ON channels (tenant_id, updated_at, id);
CREATE INDEX channels_archived_at ON channels (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
-- Bridges name a channel and no tenant.
CREATE INDEX channels_id ON channels (id);

ALTER TABLE ticket_messages ADD COLUMN channel_id BLOB;
ALTER TABLE ticket_messages ADD COLUMN conversation_id TEXT;
CREATE INDEX ticket_messages_conversation_id ON ticket_messages (tenant_id, conversation_id, created_at, id) WHERE conversation_id IS NOT NULL;
-- Ids are unique within the channel that gave them; those of mail among themselves.
DROP INDEX ticket_messages_channel_key;
CREATE UNIQUE INDEX ticket_messages_channel_key ON ticket_messages (tenant_id, channel_message_id) WHERE archived_at IS NULL AND channel_message_id IS NOT NULL AND channel_id IS NULL;
CREATE UNIQUE INDEX ticket_messages_channel_message_key ON ticket_messages (tenant_id, channel_id, channel_message_id) WHERE archived_at IS NULL AND channel_message_id IS NOT NULL AND channel_id IS NOT NULL;

-- What clients give along, to know their own echo.
ALTER TABLE events ADD COLUMN client_tag TEXT;
