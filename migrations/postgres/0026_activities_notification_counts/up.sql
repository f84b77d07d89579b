-- One notification sums up what was handed over, with the number of records.
ALTER TABLE notifications ADD COLUMN record_count BIGINT;
