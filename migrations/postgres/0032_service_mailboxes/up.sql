CREATE TABLE mailboxes (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    address text COLLATE "C" NOT NULL,
    queue_id uuid,
    is_active boolean NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id)
);
CREATE UNIQUE INDEX mailboxes_address_key ON mailboxes (tenant_id, address) WHERE archived_at IS NULL;
CREATE INDEX mailboxes_name ON mailboxes (tenant_id, name, created_at, id);
CREATE INDEX mailboxes_address ON mailboxes (tenant_id, address, created_at, id);
CREATE INDEX mailboxes_created_at ON mailboxes (tenant_id, created_at, id);
CREATE INDEX mailboxes_updated_at ON mailboxes (tenant_id, updated_at, id);
CREATE INDEX mailboxes_archived_at ON mailboxes (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- Written by Farley alone: SQLite cannot add a key of two columns to a table that is there.
ALTER TABLE ticket_messages ADD COLUMN mailbox_id uuid;
