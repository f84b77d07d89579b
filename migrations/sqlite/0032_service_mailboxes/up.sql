CREATE TABLE mailboxes (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    queue_id BLOB,
    is_active INTEGER NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
ALTER TABLE ticket_messages ADD COLUMN mailbox_id BLOB;
