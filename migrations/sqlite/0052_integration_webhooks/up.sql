-- Webhooks, their deliveries, and how far each has come in the event log.
CREATE TABLE integration_webhooks (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    url TEXT NOT NULL,
    types TEXT NOT NULL,
    object TEXT,
    filter TEXT,
    payload TEXT NOT NULL,
    ordering TEXT NOT NULL,
    signature TEXT NOT NULL,
    from_cursor TEXT,
    status TEXT NOT NULL,
    disabled_reason TEXT,
    acting_user_id BLOB,
    acting_api_key_id BLOB,
    secret_number INTEGER NOT NULL,
    former_secret_until INTEGER,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, acting_user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, acting_api_key_id) REFERENCES api_keys (tenant_id, id)
);
CREATE INDEX integration_webhooks_name ON integration_webhooks (tenant_id, name, created_at, id);
CREATE INDEX integration_webhooks_object ON integration_webhooks (tenant_id, object, created_at, id) WHERE object IS NOT NULL;
CREATE INDEX integration_webhooks_status ON integration_webhooks (tenant_id, status, created_at, id);
CREATE INDEX integration_webhooks_created_at ON integration_webhooks (tenant_id, created_at, id);
CREATE INDEX integration_webhooks_updated_at ON integration_webhooks (tenant_id, updated_at, id);
CREATE INDEX integration_webhooks_archived_at ON integration_webhooks (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE integration_webhook_deliveries (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    webhook_id BLOB NOT NULL,
    event_id BLOB NOT NULL,
    event_type TEXT NOT NULL,
    object TEXT NOT NULL,
    record_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    prev_seq INTEGER,
    state TEXT NOT NULL,
    failures INTEGER NOT NULL,
    next_attempt_at INTEGER,
    delivered_at INTEGER,
    request TEXT,
    attempts TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES integration_webhooks (tenant_id, id)
);
CREATE INDEX integration_webhook_deliveries_webhook_id ON integration_webhook_deliveries (tenant_id, webhook_id, created_at, id);
CREATE INDEX integration_webhook_deliveries_event_id ON integration_webhook_deliveries (tenant_id, event_id, created_at, id);
CREATE INDEX integration_webhook_deliveries_record_id ON integration_webhook_deliveries (tenant_id, record_id, created_at, id);
CREATE INDEX integration_webhook_deliveries_seq ON integration_webhook_deliveries (tenant_id, seq, created_at, id);
CREATE INDEX integration_webhook_deliveries_state ON integration_webhook_deliveries (tenant_id, state, created_at, id);
CREATE INDEX integration_webhook_deliveries_next_attempt_at ON integration_webhook_deliveries (tenant_id, next_attempt_at, created_at, id) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX integration_webhook_deliveries_created_at ON integration_webhook_deliveries (tenant_id, created_at, id);
CREATE INDEX integration_webhook_deliveries_updated_at ON integration_webhook_deliveries (tenant_id, updated_at, id);
CREATE INDEX integration_webhook_deliveries_archived_at ON integration_webhook_deliveries (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE integration_webhook_cursors (
    tenant_id BLOB NOT NULL,
    webhook_id BLOB NOT NULL,
    position INTEGER NOT NULL,
    is_followed INTEGER NOT NULL,
    failing_since INTEGER,
    rests_until INTEGER,
    PRIMARY KEY (tenant_id, webhook_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES integration_webhooks (tenant_id, id)
);
