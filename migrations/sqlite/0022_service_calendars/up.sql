CREATE TABLE calendars (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    time_zone TEXT,
    week TEXT NOT NULL,
    dates TEXT NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX calendars_name_key ON calendars (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX calendars_name ON calendars (tenant_id, name, created_at, id);
CREATE INDEX calendars_created_at ON calendars (tenant_id, created_at, id);
CREATE INDEX calendars_updated_at ON calendars (tenant_id, updated_at, id);
CREATE INDEX calendars_archived_at ON calendars (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
