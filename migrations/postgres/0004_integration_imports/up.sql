-- Files of customers, contacts … read into the tenant by a job.
CREATE TABLE imports (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    object text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    file_name text COLLATE "C",
    mode text COLLATE "C" NOT NULL,
    match_by text COLLATE "C",
    on_fault text COLLATE "C" NOT NULL,
    dry_run boolean NOT NULL,
    mapping json NOT NULL,
    rows_total bigint NOT NULL,
    rows_done bigint NOT NULL,
    created_count bigint NOT NULL,
    updated_count bigint NOT NULL,
    unchanged_count bigint NOT NULL,
    failed_count bigint NOT NULL,
    problem text COLLATE "C",
    started_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE INDEX imports_object ON imports (tenant_id, object, created_at, id);
CREATE INDEX imports_status ON imports (tenant_id, status, created_at, id);
CREATE INDEX imports_created_at ON imports (tenant_id, created_at, id);
CREATE INDEX imports_updated_at ON imports (tenant_id, updated_at, id);

-- The file of each import under way; gone when the import has ended.
CREATE TABLE import_files (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (tenant_id, import_id),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id)
);

-- What was wrong with which row: the first row of the file is its header, 1.
CREATE TABLE import_faults (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    row_number bigint NOT NULL,
    position bigint NOT NULL,
    column_name text COLLATE "C",
    pointer text COLLATE "C" NOT NULL,
    code text COLLATE "C" NOT NULL,
    typed text COLLATE "C",
    message_en text COLLATE "C" NOT NULL,
    message_zh text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, import_id, row_number, position),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id)
);
