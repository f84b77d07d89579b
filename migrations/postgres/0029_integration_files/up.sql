-- Files, each of one record of any object. Their contents are kept elsewhere, under the ids of file_contents.
CREATE TABLE files (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    object text COLLATE "C",
    record_id uuid,
    media_type text COLLATE "C" NOT NULL,
    detected_type text COLLATE "C",
    type_mismatch boolean NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 text COLLATE "C" NOT NULL,
    scan text COLLATE "C" NOT NULL,
    scan_finding text COLLATE "C",
    tag_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    file_id uuid,
    abandoned boolean NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, file_id) REFERENCES files (tenant_id, id)
);
CREATE UNIQUE INDEX file_contents_file_key ON file_contents (tenant_id, file_id) WHERE file_id IS NOT NULL;
CREATE INDEX file_contents_without_file ON file_contents (tenant_id, created_at) WHERE file_id IS NULL;

-- What links to files are signed with.
CREATE TABLE file_link_keys (
    tenant_id uuid NOT NULL,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
