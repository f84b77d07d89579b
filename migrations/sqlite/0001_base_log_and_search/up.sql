-- Companies using Farley. `number` is the short name of a tenant in search tokens.
CREATE TABLE tenants (
    id BLOB NOT NULL PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Numbers given to records, by tenant and sequence.
CREATE TABLE sequences (
    tenant_id BLOB NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) WITHOUT ROWID;

-- The log of all that happened: `seq` rises in commit order per record, and no reader passes an event still to be committed.
CREATE TABLE events (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant_id BLOB NOT NULL REFERENCES tenants (id),
    id BLOB NOT NULL,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    user_id BLOB,
    api_key_id BLOB,
    object TEXT NOT NULL,
    record_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    changes TEXT NOT NULL,
    request_id TEXT
);
CREATE INDEX events_tenant ON events (tenant_id, seq);
CREATE INDEX events_record ON events (tenant_id, record_id, seq);

-- On whose timelines an event stands besides that of its own record.
CREATE TABLE event_subjects (
    tenant_id BLOB NOT NULL,
    subject_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, subject_id, seq)
) WITHOUT ROWID;

-- Work to be done later, leased by workers.
CREATE TABLE jobs (
    tenant_id BLOB NOT NULL REFERENCES tenants (id),
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    leased_until INTEGER,
    lease BLOB,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX jobs_due ON jobs (run_at, id) WHERE state IN ('waiting', 'running');
CREATE INDEX jobs_state ON jobs (tenant_id, state, id);

-- Answers already given to requests with an Idempotency-Key.
CREATE TABLE idempotency_keys (
    tenant_id BLOB NOT NULL,
    credential_id BLOB NOT NULL,
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, credential_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- Keys of records in other systems; one per system among live records.
CREATE TABLE external_ids (
    tenant_id BLOB NOT NULL,
    object TEXT NOT NULL,
    system TEXT NOT NULL,
    key TEXT NOT NULL,
    record_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, object, system, key)
) WITHOUT ROWID;
CREATE INDEX external_ids_record ON external_ids (tenant_id, record_id);

-- Values of lists (e-mail addresses, phones …) by which records are found.
CREATE TABLE lookup_values (
    tenant_id BLOB NOT NULL,
    object TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    record_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, object, field, value, record_id)
) WITHOUT ROWID;
CREATE INDEX lookup_values_record ON lookup_values (tenant_id, record_id);

-- Full-text search: one document a record, its terms in the engine's own index.
CREATE TABLE search_documents (
    document INTEGER NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL,
    object TEXT NOT NULL,
    record_id BLOB NOT NULL
);
CREATE VIRTUAL TABLE search_terms USING fts5 (
    title, body,
    content = '', contentless_delete = 1, detail = 'column',
    tokenize = "ascii tokenchars '@._-+=:^'"
);
CREATE UNIQUE INDEX search_documents_record ON search_documents (tenant_id, record_id);
