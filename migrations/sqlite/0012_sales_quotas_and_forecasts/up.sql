CREATE TABLE quotas (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    user_id BLOB,
    team_id BLOB,
    period TEXT NOT NULL,
    starts_on TEXT,
    ends_on TEXT,
    pipeline_id BLOB,
    amount INTEGER NOT NULL,
    amount_currency TEXT NOT NULL,
    description TEXT,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    FOREIGN KEY (tenant_id, pipeline_id) REFERENCES pipelines (tenant_id, id)
);
CREATE INDEX quotas_user_id ON quotas (tenant_id, user_id, created_at, id) WHERE user_id IS NOT NULL;
CREATE INDEX quotas_team_id ON quotas (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX quotas_period ON quotas (tenant_id, period, created_at, id);
CREATE INDEX quotas_starts_on ON quotas (tenant_id, starts_on, created_at, id) WHERE starts_on IS NOT NULL;
CREATE INDEX quotas_created_at ON quotas (tenant_id, created_at, id);
CREATE INDEX quotas_updated_at ON quotas (tenant_id, updated_at, id);
CREATE INDEX quotas_archived_at ON quotas (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE forecast_overrides (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    user_id BLOB,
    team_id BLOB,
    period TEXT NOT NULL,
    starts_on TEXT,
    ends_on TEXT,
    pipeline_id BLOB,
    category TEXT NOT NULL,
    amount INTEGER NOT NULL,
    amount_currency TEXT NOT NULL,
    comment TEXT,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    FOREIGN KEY (tenant_id, pipeline_id) REFERENCES pipelines (tenant_id, id)
);
CREATE INDEX forecast_overrides_user_id ON forecast_overrides (tenant_id, user_id, created_at, id) WHERE user_id IS NOT NULL;
CREATE INDEX forecast_overrides_team_id ON forecast_overrides (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX forecast_overrides_period ON forecast_overrides (tenant_id, period, created_at, id);
CREATE INDEX forecast_overrides_created_at ON forecast_overrides (tenant_id, created_at, id);
CREATE INDEX forecast_overrides_updated_at ON forecast_overrides (tenant_id, updated_at, id);
CREATE INDEX forecast_overrides_archived_at ON forecast_overrides (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
