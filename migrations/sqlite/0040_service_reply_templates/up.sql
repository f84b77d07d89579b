CREATE TABLE reply_templates (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    text TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    sort_order INTEGER NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX reply_templates_name_key ON reply_templates (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX reply_templates_name ON reply_templates (tenant_id, name, sort_order, created_at, id);
CREATE INDEX reply_templates_sort_order ON reply_templates (tenant_id, sort_order, created_at, id);
CREATE INDEX reply_templates_created_at ON reply_templates (tenant_id, created_at, id);
CREATE INDEX reply_templates_updated_at ON reply_templates (tenant_id, updated_at, id);
CREATE INDEX reply_templates_archived_at ON reply_templates (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

ALTER TABLE mailboxes ADD COLUMN signature TEXT;
-- SQLite cannot add a key of two columns to a table that is there; Farley checks what it refers to.
ALTER TABLE mailboxes ADD COLUMN acknowledgement_template_id BLOB;
ALTER TABLE users ADD COLUMN signature TEXT;
