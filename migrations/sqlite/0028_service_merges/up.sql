-- Tickets are merged, parted again and split. Columns that refer to tickets are written by Farley alone: SQLite cannot add a key of two
-- columns to a table that is there.
ALTER TABLE tickets ADD COLUMN related_ids TEXT NOT NULL DEFAULT '[]';
ALTER TABLE tickets ADD COLUMN merged_into_id BLOB;
ALTER TABLE tickets ADD COLUMN merged_at INTEGER;
CREATE INDEX tickets_merged_into_id ON tickets (tenant_id, merged_into_id, created_at, id) WHERE merged_into_id IS NOT NULL;
-- The next ticket out of a queue.
DROP INDEX tickets_waiting;
CREATE INDEX tickets_waiting ON tickets (tenant_id, queue_id, priority, sla_due_at, opened_at, id) WHERE owner_id IS NULL AND archived_at IS NULL AND merged_into_id IS NULL;

CREATE TABLE related_tickets (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    related_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, related_id, ticket_id),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, related_id) REFERENCES tickets (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX related_tickets_ticket ON related_tickets (tenant_id, ticket_id);

ALTER TABLE ticket_ledger ADD COLUMN merged_into_id BLOB;
ALTER TABLE ticket_ledger ADD COLUMN archived_at INTEGER;

ALTER TABLE ticket_messages ADD COLUMN from_ticket_id BLOB;
CREATE INDEX ticket_messages_from_ticket_id ON ticket_messages (tenant_id, from_ticket_id, created_at, id) WHERE from_ticket_id IS NOT NULL;

-- Whether it was due already when it was first kept: its breach is told, but nobody is notified.
ALTER TABLE ticket_clocks ADD COLUMN is_belated INTEGER NOT NULL DEFAULT 0;

CREATE TABLE ticket_merges (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    ticket_id BLOB NOT NULL,
    into_id BLOB NOT NULL,
    undone_at INTEGER,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, into_id) REFERENCES tickets (tenant_id, id)
);
CREATE INDEX ticket_merges_ticket_id ON ticket_merges (tenant_id, ticket_id, created_at, id);
CREATE INDEX ticket_merges_into_id ON ticket_merges (tenant_id, into_id, created_at, id);
CREATE INDEX ticket_merges_undone_at ON ticket_merges (tenant_id, undone_at, created_at, id) WHERE undone_at IS NOT NULL;
CREATE INDEX ticket_merges_created_at ON ticket_merges (tenant_id, created_at, id);
CREATE INDEX ticket_merges_updated_at ON ticket_merges (tenant_id, updated_at, id);
CREATE INDEX ticket_merges_archived_at ON ticket_merges (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
