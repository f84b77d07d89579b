-- Files of customers, contacts … read into the tenant by a job.
CREATE TABLE imports (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    object TEXT NOT NULL,
    status TEXT NOT NULL,
    file_name TEXT,
    mode TEXT NOT NULL,
    match_by TEXT,
    on_fault TEXT NOT NULL,
    dry_run INTEGER NOT NULL,
    mapping TEXT NOT NULL,
    rows_total INTEGER NOT NULL,
    rows_done INTEGER NOT NULL,
    created_count INTEGER NOT NULL,
    updated_count INTEGER NOT NULL,
    unchanged_count INTEGER NOT NULL,
    failed_count INTEGER NOT NULL,
    problem TEXT,
    started_at INTEGER,
    finished_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE INDEX imports_object ON imports (tenant_id, object, created_at, id);
CREATE INDEX imports_status ON imports (tenant_id, status, created_at, id);
CREATE INDEX imports_created_at ON imports (tenant_id, created_at, id);
CREATE INDEX imports_updated_at ON imports (tenant_id, updated_at, id);

-- The file of each import under way; gone when the import has ended.
CREATE TABLE import_files (
    tenant_id BLOB NOT NULL,
    import_id BLOB NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (tenant_id, import_id),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id)
);

-- What was wrong with which row: the first row of the file is its header, 1.
CREATE TABLE import_faults (
    tenant_id BLOB NOT NULL,
    import_id BLOB NOT NULL,
    row_number INTEGER NOT NULL,
    position INTEGER NOT NULL,
    column_name TEXT,
    pointer TEXT NOT NULL,
    code TEXT NOT NULL,
    typed TEXT,
    message_en TEXT NOT NULL,
    message_zh TEXT NOT NULL,
    PRIMARY KEY (tenant_id, import_id, row_number, position),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id)
) WITHOUT ROWID;
