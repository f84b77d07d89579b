ALTER TABLE lead_forms DROP COLUMN mailbox_id;
ALTER TABLE lead_forms DROP COLUMN ticket_priority;
ALTER TABLE lead_forms DROP COLUMN ticket_kind;
ALTER TABLE lead_forms DROP COLUMN ticket_category_id;
ALTER TABLE lead_forms DROP COLUMN ticket_queue_id;
ALTER TABLE lead_forms DROP COLUMN target;
