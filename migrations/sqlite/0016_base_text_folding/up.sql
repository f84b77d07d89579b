-- What is there is indexed again in the background: its search terms, and the keys under which names are found.
INSERT INTO jobs (tenant_id, id, kind, payload, state, run_at, attempts, max_attempts, created_at, unique_key, recurring)
SELECT id, randomblob(16), 'text_index', '{}', 'waiting', 0, 0, 10, 0, 'all', 0 FROM tenants;
