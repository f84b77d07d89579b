ALTER TABLE events DROP COLUMN cause_depth;
ALTER TABLE events DROP COLUMN cause_id;
ALTER TABLE events DROP COLUMN cause_kind;
