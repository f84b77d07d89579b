CREATE TABLE products (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    sku TEXT,
    family TEXT,
    status TEXT NOT NULL,
    list_price INTEGER,
    list_price_currency TEXT,
    unit TEXT,
    description TEXT,
    tag_ids TEXT NOT NULL,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    starts_on TEXT,
    ends_on TEXT,
    budget INTEGER,
    budget_currency TEXT,
    cost INTEGER,
    cost_currency TEXT,
    description TEXT,
    owner_id BLOB,
    team_id BLOB,
    tag_ids TEXT NOT NULL,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
