-- Web forms whose answers become tickets.
ALTER TABLE lead_forms ADD COLUMN target text COLLATE "C" NOT NULL DEFAULT 'lead';
-- SQLite cannot add a key of two columns to a table that is there; Farley checks what it refers to.
ALTER TABLE lead_forms ADD COLUMN ticket_queue_id uuid;
ALTER TABLE lead_forms ADD COLUMN ticket_category_id uuid;
ALTER TABLE lead_forms ADD COLUMN ticket_kind text COLLATE "C";
ALTER TABLE lead_forms ADD COLUMN ticket_priority text COLLATE "C";
ALTER TABLE lead_forms ADD COLUMN mailbox_id uuid;
