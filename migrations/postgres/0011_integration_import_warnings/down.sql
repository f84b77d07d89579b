ALTER TABLE import_faults DROP COLUMN level;
ALTER TABLE imports DROP COLUMN warned_count;
