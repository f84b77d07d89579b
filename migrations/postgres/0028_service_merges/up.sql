-- Tickets are merged, parted again and split. Columns that refer to tickets are written by Farley alone: SQLite cannot add a key of two
-- columns to a table that is there.
ALTER TABLE tickets ADD COLUMN related_ids json NOT NULL DEFAULT '[]';
ALTER TABLE tickets ADD COLUMN merged_into_id uuid;
ALTER TABLE tickets ADD COLUMN merged_at timestamptz;
CREATE INDEX tickets_merged_into_id ON tickets (tenant_id, merged_into_id, created_at, id) WHERE merged_into_id IS NOT NULL;
-- The next ticket out of a queue.
DROP INDEX tickets_waiting;
CREATE INDEX tickets_waiting ON tickets (tenant_id, queue_id, priority, sla_due_at, opened_at, id) WHERE owner_id IS NULL AND archived_at IS NULL AND merged_into_id IS NULL;

CREATE TABLE related_tickets (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    related_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, related_id, ticket_id),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, related_id) REFERENCES tickets (tenant_id, id)
);
CREATE INDEX related_tickets_ticket ON related_tickets (tenant_id, ticket_id);

ALTER TABLE ticket_ledger ADD COLUMN merged_into_id uuid;
ALTER TABLE ticket_ledger ADD COLUMN archived_at timestamptz;

ALTER TABLE ticket_messages ADD COLUMN from_ticket_id uuid;
CREATE INDEX ticket_messages_from_ticket_id ON ticket_messages (tenant_id, from_ticket_id, created_at, id) WHERE from_ticket_id IS NOT NULL;

-- Whether it was due already when it was first kept: its breach is told, but nobody is notified.
ALTER TABLE ticket_clocks ADD COLUMN is_belated boolean NOT NULL DEFAULT false;

CREATE TABLE ticket_merges (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    ticket_id uuid NOT NULL,
    into_id uuid NOT NULL,
    undone_at timestamptz,
    details json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
