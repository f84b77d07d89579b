-- Web forms whose answers become tickets.
ALTER TABLE lead_forms ADD COLUMN target TEXT NOT NULL DEFAULT 'lead';
-- SQLite cannot add a key of two columns to a table that is there; Farley checks what it refers to.
ALTER TABLE lead_forms ADD COLUMN ticket_queue_id BLOB;
ALTER TABLE lead_forms ADD COLUMN ticket_category_id BLOB;
ALTER TABLE lead_forms ADD COLUMN ticket_kind TEXT;
ALTER TABLE lead_forms ADD COLUMN ticket_priority TEXT;
ALTER TABLE lead_forms ADD COLUMN mailbox_id BLOB;
