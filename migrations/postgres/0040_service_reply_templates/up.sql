CREATE TABLE reply_templates (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    text json NOT NULL,
    is_active boolean NOT NULL,
    sort_order bigint NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX reply_templates_name_key ON reply_templates (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX reply_templates_name ON reply_templates (tenant_id, name, sort_order, created_at, id);
CREATE INDEX reply_templates_sort_order ON reply_templates (tenant_id, sort_order, created_at, id);
CREATE INDEX reply_templates_created_at ON reply_templates (tenant_id, created_at, id);
CREATE INDEX reply_templates_updated_at ON reply_templates (tenant_id, updated_at, id);
CREATE INDEX reply_templates_archived_at ON reply_templates (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

ALTER TABLE mailboxes ADD COLUMN signature json;
-- SQLite cannot add a key of two columns to a table that is there; Farley checks what it refers to.
ALTER TABLE mailboxes ADD COLUMN acknowledgement_template_id uuid;
ALTER TABLE users ADD COLUMN signature text COLLATE "C";
