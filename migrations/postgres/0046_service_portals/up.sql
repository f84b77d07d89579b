-- Customer portals: who may sign in, the codes that were mailed, and the sessions of contacts.
CREATE TABLE portals (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL,
    is_active boolean NOT NULL,
    allowed_origins json NOT NULL,
    mailbox_id uuid,
    queue_id uuid,
    shows_organization boolean NOT NULL,
    lets_close boolean NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    portal_id uuid NOT NULL,
    email text COLLATE "C" NOT NULL,
    code_hash bytea NOT NULL,
    attempts bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, portal_id, email),
    FOREIGN KEY (tenant_id, portal_id) REFERENCES portals (tenant_id, id)
);

CREATE TABLE portal_sessions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    portal_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    email text COLLATE "C" NOT NULL,
    refresh_hash bytea NOT NULL,
    former_hash bytea,
    salt bytea,
    rotated_at timestamptz,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, portal_id) REFERENCES portals (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);

ALTER TABLE events ADD COLUMN contact_id uuid;
ALTER TABLE ticket_statuses ADD COLUMN public_name json;
