-- Tickets with which streams are opened by programs that cannot send a header: each opens one.
CREATE TABLE stream_tickets (
    tenant_id BLOB NOT NULL REFERENCES tenants (id),
    token_hash BLOB NOT NULL,
    session_id BLOB,
    key_hash BLOB,
    holds_until INTEGER,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (token_hash)
) WITHOUT ROWID;
CREATE INDEX stream_tickets_expires_at ON stream_tickets (tenant_id, expires_at);

-- Who is editing a record, until when: advice for others, that keeps nobody out.
CREATE TABLE record_locks (
    tenant_id BLOB NOT NULL REFERENCES tenants (id),
    object TEXT NOT NULL,
    record_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    since INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, record_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX record_locks_expires_at ON record_locks (tenant_id, expires_at);
CREATE INDEX record_locks_user ON record_locks (tenant_id, user_id, expires_at);
