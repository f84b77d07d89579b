CREATE TABLE channels (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    queue_id uuid,
    language text COLLATE "C",
    outbound_url text COLLATE "C",
    sender_system text COLLATE "C" NOT NULL,
    is_active boolean NOT NULL,
    secret_number bigint NOT NULL,
    former_secret_until timestamptz,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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

ALTER TABLE ticket_messages ADD COLUMN channel_id uuid;
ALTER TABLE ticket_messages ADD COLUMN conversation_id text COLLATE "C";
CREATE INDEX ticket_messages_conversation_id ON ticket_messages (tenant_id, conversation_id, created_at, id) WHERE conversation_id IS NOT NULL;
-- Ids are unique within the channel that gave them; those of mail among themselves.
DROP INDEX ticket_messages_channel_key;
CREATE UNIQUE INDEX ticket_messages_channel_key ON ticket_messages (tenant_id, channel_message_id) WHERE archived_at IS NULL AND channel_message_id IS NOT NULL AND channel_id IS NULL;
CREATE UNIQUE INDEX ticket_messages_channel_message_key ON ticket_messages (tenant_id, channel_id, channel_message_id) WHERE archived_at IS NULL AND channel_message_id IS NOT NULL AND channel_id IS NOT NULL;

-- What clients give along, to know their own echo.
ALTER TABLE events ADD COLUMN client_tag text COLLATE "C";
