ALTER TABLE mailboxes ADD COLUMN sender_name TEXT;
ALTER TABLE mailboxes ADD COLUMN has_plus_addresses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ticket_messages ADD COLUMN delivery_state TEXT;
CREATE INDEX ticket_messages_delivery_state ON ticket_messages (tenant_id, delivery_state, created_at, id) WHERE delivery_state IS NOT NULL;
