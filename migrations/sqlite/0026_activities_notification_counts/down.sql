ALTER TABLE notifications DROP COLUMN record_count;
