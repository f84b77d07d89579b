CREATE TABLE quotas (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    user_id uuid,
    team_id uuid,
    period text COLLATE "C" NOT NULL,
    starts_on date,
    ends_on date,
    pipeline_id uuid,
    amount bigint NOT NULL,
    amount_currency text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    external_ids json NOT NULL,
    custom json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    user_id uuid,
    team_id uuid,
    period text COLLATE "C" NOT NULL,
    starts_on date,
    ends_on date,
    pipeline_id uuid,
    category text COLLATE "C" NOT NULL,
    amount bigint NOT NULL,
    amount_currency text COLLATE "C" NOT NULL,
    comment text COLLATE "C",
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
