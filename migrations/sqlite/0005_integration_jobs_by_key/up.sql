-- One waiting job for each key, and one job of each recurring kind.
ALTER TABLE jobs ADD COLUMN unique_key TEXT;
ALTER TABLE jobs ADD COLUMN recurring INTEGER NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX jobs_unique_key ON jobs (tenant_id, kind, unique_key) WHERE state = 'waiting' AND unique_key IS NOT NULL;
CREATE UNIQUE INDEX jobs_recurring ON jobs (tenant_id, kind) WHERE recurring;
