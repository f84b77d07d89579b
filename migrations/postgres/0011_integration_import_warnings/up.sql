-- Rows that are imported, but not without a word.
ALTER TABLE imports ADD COLUMN warned_count bigint NOT NULL DEFAULT 0;
ALTER TABLE import_faults ADD COLUMN level text COLLATE "C" NOT NULL DEFAULT 'fault';
