-- Customer portals: who may sign in, the codes that were mailed, and the sessions of contacts.
CREATE TABLE portals (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    token TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    allowed_origins TEXT NOT NULL,
    mailbox_id BLOB,
    queue_id BLOB,
    shows_organization INTEGER NOT NULL,
    lets_close INTEGER NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, mailbox_id) REFERENCES mailboxes (tenant_id, id),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id)
);
CREATE UNIQUE INDEX portals_token ON portals (token);
CREATE INDEX portals_name ON portals (tenant_id, name, created_at, id);
CREATE INDEX portals_created_at ON portals (tenant_id, created_at, id);
CREATE INDEX portals_updated_at ON portals (tenant_id, updated_at, id);
CREATE INDEX portals_archived_at ON portals (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- The code that an address got last, as a digest.
CREATE TABLE portal_codes (
    tenant_id BLOB NOT NULL,
    portal_id BLOB NOT NULL,
    email TEXT NOT NULL,
    code_hash BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, portal_id, email),
    FOREIGN KEY (tenant_id, portal_id) REFERENCES portals (tenant_id, id)
) WITHOUT ROWID;

CREATE TABLE portal_sessions (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    portal_id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    email TEXT NOT NULL,
    refresh_hash BLOB NOT NULL,
    former_hash BLOB,
    salt BLOB,
    rotated_at INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, portal_id) REFERENCES portals (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);

ALTER TABLE events ADD COLUMN contact_id BLOB;
ALTER TABLE ticket_statuses ADD COLUMN public_name TEXT;
