ALTER TABLE ticket_statuses DROP COLUMN public_name;
ALTER TABLE events DROP COLUMN contact_id;
DROP TABLE portal_sessions;
DROP TABLE portal_codes;
DROP TABLE portals;
