-- Exports of records to files.
CREATE TABLE exports (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    object text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    format text COLLATE "C" NOT NULL,
    filter json,
    sort json NOT NULL,
    columns json NOT NULL,
    header text COLLATE "C" NOT NULL,
    encoding text COLLATE "C" NOT NULL,
    bom boolean NOT NULL,
    rows_total bigint NOT NULL,
    rows_done bigint NOT NULL,
    file_id uuid,
    problem text COLLATE "C",
    started_at timestamptz,
    finished_at timestamptz,
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
