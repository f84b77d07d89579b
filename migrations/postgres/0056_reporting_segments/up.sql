-- Segments, their members, and how far each has come in the event log.
CREATE TABLE segments (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    object text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    filter json,
    shared_with text COLLATE "C" NOT NULL,
    owner_id uuid,
    team_id uuid,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE INDEX segments_name ON segments (tenant_id, name, created_at, id);
CREATE INDEX segments_object ON segments (tenant_id, object, created_at, id);
CREATE INDEX segments_kind ON segments (tenant_id, kind, created_at, id);
CREATE INDEX segments_shared_with ON segments (tenant_id, shared_with, created_at, id);
CREATE INDEX segments_owner_id ON segments (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX segments_team_id ON segments (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX segments_created_at ON segments (tenant_id, created_at, id);
CREATE INDEX segments_updated_at ON segments (tenant_id, updated_at, id);
CREATE INDEX segments_archived_at ON segments (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE segment_members (
    tenant_id uuid NOT NULL,
    segment_id uuid NOT NULL,
    object text COLLATE "C" NOT NULL,
    record_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, segment_id, record_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, segment_id) REFERENCES segments (tenant_id, id)
);

CREATE TABLE segment_cursors (
    tenant_id uuid NOT NULL,
    segment_id uuid NOT NULL,
    position bigint NOT NULL,
    is_filled boolean NOT NULL,
    PRIMARY KEY (tenant_id, segment_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, segment_id) REFERENCES segments (tenant_id, id)
);
