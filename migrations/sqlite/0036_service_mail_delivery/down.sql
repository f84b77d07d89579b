DROP INDEX ticket_messages_delivery_state;
ALTER TABLE ticket_messages DROP COLUMN delivery_state;
ALTER TABLE mailboxes DROP COLUMN has_plus_addresses;
ALTER TABLE mailboxes DROP COLUMN sender_name;
