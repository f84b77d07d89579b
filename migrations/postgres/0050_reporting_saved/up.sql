-- Exchange rates, and what people save of reports and lists.
CREATE TABLE exchange_rates (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C",
    from_currency text COLLATE "C" NOT NULL,
    to_currency text COLLATE "C" NOT NULL,
    valid_from date NOT NULL,
    rate double precision NOT NULL,
    per bigint NOT NULL,
    source text COLLATE "C",
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX exchange_rates_name_key ON exchange_rates (tenant_id, name) WHERE archived_at IS NULL AND name IS NOT NULL;
CREATE INDEX exchange_rates_name ON exchange_rates (tenant_id, name, valid_from, created_at, id) WHERE name IS NOT NULL;
CREATE INDEX exchange_rates_from_currency ON exchange_rates (tenant_id, from_currency, valid_from, created_at, id);
CREATE INDEX exchange_rates_valid_from ON exchange_rates (tenant_id, valid_from, created_at, id);
CREATE INDEX exchange_rates_created_at ON exchange_rates (tenant_id, created_at, id);
CREATE INDEX exchange_rates_updated_at ON exchange_rates (tenant_id, updated_at, id);
CREATE INDEX exchange_rates_archived_at ON exchange_rates (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE saved_reports (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    question json NOT NULL,
    parameters json NOT NULL,
    shared_with text COLLATE "C" NOT NULL,
    owner_id uuid,
    team_id uuid,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE INDEX saved_reports_name ON saved_reports (tenant_id, name, created_at, id);
CREATE INDEX saved_reports_shared_with ON saved_reports (tenant_id, shared_with, created_at, id);
CREATE INDEX saved_reports_owner_id ON saved_reports (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX saved_reports_team_id ON saved_reports (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX saved_reports_created_at ON saved_reports (tenant_id, created_at, id);
CREATE INDEX saved_reports_updated_at ON saved_reports (tenant_id, updated_at, id);
CREATE INDEX saved_reports_archived_at ON saved_reports (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE dashboards (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    widgets json NOT NULL,
    shared_with text COLLATE "C" NOT NULL,
    owner_id uuid,
    team_id uuid,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE INDEX dashboards_name ON dashboards (tenant_id, name, created_at, id);
CREATE INDEX dashboards_shared_with ON dashboards (tenant_id, shared_with, created_at, id);
CREATE INDEX dashboards_owner_id ON dashboards (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX dashboards_team_id ON dashboards (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX dashboards_created_at ON dashboards (tenant_id, created_at, id);
CREATE INDEX dashboards_updated_at ON dashboards (tenant_id, updated_at, id);
CREATE INDEX dashboards_archived_at ON dashboards (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE views (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    object text COLLATE "C" NOT NULL,
    filter json,
    sort json NOT NULL,
    columns json NOT NULL,
    is_default boolean NOT NULL,
    shared_with text COLLATE "C" NOT NULL,
    owner_id uuid,
    team_id uuid,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE INDEX views_name ON views (tenant_id, name, created_at, id);
CREATE INDEX views_object ON views (tenant_id, object, created_at, id);
CREATE INDEX views_shared_with ON views (tenant_id, shared_with, created_at, id);
CREATE INDEX views_owner_id ON views (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX views_team_id ON views (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX views_created_at ON views (tenant_id, created_at, id);
CREATE INDEX views_updated_at ON views (tenant_id, updated_at, id);
CREATE INDEX views_archived_at ON views (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
