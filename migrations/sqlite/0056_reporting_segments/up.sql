-- Segments, their members, and how far each has come in the event log.
CREATE TABLE segments (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    object TEXT NOT NULL,
    kind TEXT NOT NULL,
    filter TEXT,
    shared_with TEXT NOT NULL,
    owner_id BLOB,
    team_id BLOB,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
    tenant_id BLOB NOT NULL,
    segment_id BLOB NOT NULL,
    object TEXT NOT NULL,
    record_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, segment_id, record_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, segment_id) REFERENCES segments (tenant_id, id)
);

CREATE TABLE segment_cursors (
    tenant_id BLOB NOT NULL,
    segment_id BLOB NOT NULL,
    position INTEGER NOT NULL,
    is_filled INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, segment_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, segment_id) REFERENCES segments (tenant_id, id)
);
