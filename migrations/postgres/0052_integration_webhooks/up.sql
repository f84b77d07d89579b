-- Webhooks, their deliveries, and how far each has come in the event log.
CREATE TABLE integration_webhooks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    url text COLLATE "C" NOT NULL,
    types json NOT NULL,
    object text COLLATE "C",
    filter json,
    payload text COLLATE "C" NOT NULL,
    ordering text COLLATE "C" NOT NULL,
    signature text COLLATE "C" NOT NULL,
    from_cursor text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    disabled_reason text COLLATE "C",
    acting_user_id uuid,
    acting_api_key_id uuid,
    secret_number bigint NOT NULL,
    former_secret_until timestamptz,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    webhook_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    object text COLLATE "C" NOT NULL,
    record_id uuid NOT NULL,
    seq bigint NOT NULL,
    prev_seq bigint,
    state text COLLATE "C" NOT NULL,
    failures bigint NOT NULL,
    next_attempt_at timestamptz,
    delivered_at timestamptz,
    request json,
    attempts json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    position bigint NOT NULL,
    is_followed boolean NOT NULL,
    failing_since timestamptz,
    rests_until timestamptz,
    PRIMARY KEY (tenant_id, webhook_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES integration_webhooks (tenant_id, id)
);
