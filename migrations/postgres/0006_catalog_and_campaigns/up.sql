CREATE TABLE products (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    sku text COLLATE "C",
    family text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    list_price bigint,
    list_price_currency text COLLATE "C",
    unit text COLLATE "C",
    description text COLLATE "C",
    tag_ids json NOT NULL,
    external_ids json NOT NULL,
    custom json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX products_name_key ON products (tenant_id, name) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX products_sku_key ON products (tenant_id, sku) WHERE archived_at IS NULL AND sku IS NOT NULL;
CREATE INDEX products_name ON products (tenant_id, name, created_at, id);
CREATE INDEX products_sku ON products (tenant_id, sku, created_at, id) WHERE sku IS NOT NULL;
CREATE INDEX products_family ON products (tenant_id, family, created_at, id) WHERE family IS NOT NULL;
CREATE INDEX products_status ON products (tenant_id, status, created_at, id);
CREATE INDEX products_created_at ON products (tenant_id, created_at, id);
CREATE INDEX products_updated_at ON products (tenant_id, updated_at, id);
CREATE INDEX products_archived_at ON products (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE campaigns (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    starts_on date,
    ends_on date,
    budget bigint,
    budget_currency text COLLATE "C",
    cost bigint,
    cost_currency text COLLATE "C",
    description text COLLATE "C",
    owner_id uuid,
    team_id uuid,
    tag_ids json NOT NULL,
    external_ids json NOT NULL,
    custom json NOT NULL,
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
CREATE INDEX campaigns_name ON campaigns (tenant_id, name, created_at, id);
CREATE INDEX campaigns_kind ON campaigns (tenant_id, kind, created_at, id);
CREATE INDEX campaigns_status ON campaigns (tenant_id, status, created_at, id);
CREATE INDEX campaigns_starts_on ON campaigns (tenant_id, starts_on, created_at, id) WHERE starts_on IS NOT NULL;
CREATE INDEX campaigns_owner_id ON campaigns (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX campaigns_team_id ON campaigns (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX campaigns_created_at ON campaigns (tenant_id, created_at, id);
CREATE INDEX campaigns_updated_at ON campaigns (tenant_id, updated_at, id);
CREATE INDEX campaigns_archived_at ON campaigns (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
