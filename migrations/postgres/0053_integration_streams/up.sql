-- Tickets with which streams are opened by programs that cannot send a header: each opens one.
CREATE TABLE stream_tickets (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    token_hash bytea NOT NULL,
    session_id uuid,
    key_hash bytea,
    holds_until timestamptz,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (token_hash)
);
CREATE INDEX stream_tickets_expires_at ON stream_tickets (tenant_id, expires_at);

-- Who is editing a record, until when: advice for others, that keeps nobody out.
CREATE TABLE record_locks (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    object text COLLATE "C" NOT NULL,
    record_id uuid NOT NULL,
    user_id uuid NOT NULL,
    since timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, record_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX record_locks_expires_at ON record_locks (tenant_id, expires_at);
CREATE INDEX record_locks_user ON record_locks (tenant_id, user_id, expires_at);
