-- Exports of records to files.
CREATE TABLE exports (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    object TEXT,
    status TEXT NOT NULL,
    format TEXT NOT NULL,
    filter TEXT,
    sort TEXT NOT NULL,
    columns TEXT NOT NULL,
    header TEXT NOT NULL,
    encoding TEXT NOT NULL,
    bom INTEGER NOT NULL,
    rows_total INTEGER NOT NULL,
    rows_done INTEGER NOT NULL,
    file_id BLOB,
    problem TEXT,
    started_at INTEGER,
    finished_at INTEGER,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, file_id) REFERENCES files (tenant_id, id)
);
CREATE INDEX exports_object ON exports (tenant_id, object, created_at, id) WHERE object IS NOT NULL;
CREATE INDEX exports_status ON exports (tenant_id, status, created_at, id);
CREATE INDEX exports_expires_at ON exports (tenant_id, expires_at, created_at, id) WHERE expires_at IS NOT NULL;
CREATE INDEX exports_created_at ON exports (tenant_id, created_at, id);
CREATE INDEX exports_updated_at ON exports (tenant_id, updated_at, id);
CREATE INDEX exports_archived_at ON exports (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
