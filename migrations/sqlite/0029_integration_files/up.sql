-- Files, each of one record of any object. Their contents are kept elsewhere, under the ids of file_contents.
CREATE TABLE files (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    object TEXT,
    record_id BLOB,
    media_type TEXT NOT NULL,
    detected_type TEXT,
    type_mismatch INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    scan TEXT NOT NULL,
    scan_finding TEXT,
    tag_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    CHECK ((object IS NULL) = (record_id IS NULL))
);
CREATE INDEX files_record_id ON files (tenant_id, record_id, created_at, id) WHERE record_id IS NOT NULL;
CREATE INDEX files_sha256 ON files (tenant_id, sha256, created_at, id);
CREATE INDEX files_created_at ON files (tenant_id, created_at, id);
CREATE INDEX files_updated_at ON files (tenant_id, updated_at, id);
CREATE INDEX files_archived_at ON files (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- What is stored or is about to be. Without a file it is given up after a day and removed from the store.
CREATE TABLE file_contents (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    file_id BLOB,
    abandoned INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, file_id) REFERENCES files (tenant_id, id)
);
CREATE UNIQUE INDEX file_contents_file_key ON file_contents (tenant_id, file_id) WHERE file_id IS NOT NULL;
CREATE INDEX file_contents_without_file ON file_contents (tenant_id, created_at) WHERE file_id IS NULL;

-- What links to files are signed with.
CREATE TABLE file_link_keys (
    tenant_id BLOB NOT NULL,
    secret BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
