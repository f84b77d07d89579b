ALTER TABLE mailboxes ADD COLUMN sender_name text COLLATE "C";
ALTER TABLE mailboxes ADD COLUMN has_plus_addresses boolean NOT NULL DEFAULT false;
ALTER TABLE ticket_messages ADD COLUMN delivery_state text COLLATE "C";
CREATE INDEX ticket_messages_delivery_state ON ticket_messages (tenant_id, delivery_state, created_at, id) WHERE delivery_state IS NOT NULL;
