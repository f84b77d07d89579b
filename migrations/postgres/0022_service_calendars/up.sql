CREATE TABLE calendars (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    time_zone text COLLATE "C",
    week json NOT NULL,
    dates json NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX calendars_name_key ON calendars (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX calendars_name ON calendars (tenant_id, name, created_at, id);
CREATE INDEX calendars_created_at ON calendars (tenant_id, created_at, id);
CREATE INDEX calendars_updated_at ON calendars (tenant_id, updated_at, id);
CREATE INDEX calendars_archived_at ON calendars (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
