-- One waiting job for each key, and one job of each recurring kind.
ALTER TABLE jobs ADD COLUMN unique_key text COLLATE "C";
ALTER TABLE jobs ADD COLUMN recurring boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX jobs_unique_key ON jobs (tenant_id, kind, unique_key) WHERE state = 'waiting' AND unique_key IS NOT NULL;
CREATE UNIQUE INDEX jobs_recurring ON jobs (tenant_id, kind) WHERE recurring;
