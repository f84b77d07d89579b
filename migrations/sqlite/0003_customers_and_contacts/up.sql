CREATE TABLE customers (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    number TEXT NOT NULL,
    status TEXT NOT NULL,
    lifecycle_stage TEXT NOT NULL,
    industry TEXT,
    employee_count INTEGER,
    annual_revenue INTEGER,
    annual_revenue_currency TEXT,
    source TEXT,
    region TEXT,
    social_credit_code TEXT,
    parent_id BLOB,
    emails TEXT NOT NULL,
    phones TEXT NOT NULL,
    addresses TEXT NOT NULL,
    completeness TEXT NOT NULL,
    owner_id BLOB,
    team_id BLOB,
    tag_ids TEXT NOT NULL,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES customers (tenant_id, id)
);
CREATE UNIQUE INDEX customers_number_key ON customers (tenant_id, number) WHERE archived_at IS NULL;
CREATE UNIQUE INDEX customers_social_credit_code_key ON customers (tenant_id, social_credit_code) WHERE archived_at IS NULL AND social_credit_code IS NOT NULL;
CREATE INDEX customers_name ON customers (tenant_id, name, id);
CREATE INDEX customers_status ON customers (tenant_id, status, created_at, id);
CREATE INDEX customers_lifecycle_stage ON customers (tenant_id, lifecycle_stage, created_at, id);
CREATE INDEX customers_industry ON customers (tenant_id, industry, created_at, id) WHERE industry IS NOT NULL;
CREATE INDEX customers_source ON customers (tenant_id, source, created_at, id) WHERE source IS NOT NULL;
CREATE INDEX customers_region ON customers (tenant_id, region, created_at, id) WHERE region IS NOT NULL;
CREATE INDEX customers_parent_id ON customers (tenant_id, parent_id, created_at, id) WHERE parent_id IS NOT NULL;
CREATE INDEX customers_owner_id ON customers (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX customers_team_id ON customers (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX customers_created_at ON customers (tenant_id, created_at, id);
CREATE INDEX customers_updated_at ON customers (tenant_id, updated_at, id);
CREATE INDEX customers_archived_at ON customers (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE contacts (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    customer_id BLOB,
    customers TEXT NOT NULL,
    source TEXT,
    emails TEXT NOT NULL,
    phones TEXT NOT NULL,
    addresses TEXT NOT NULL,
    completeness TEXT NOT NULL,
    owner_id BLOB,
    team_id BLOB,
    tag_ids TEXT NOT NULL,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id)
);
CREATE INDEX contacts_name ON contacts (tenant_id, name, id);
CREATE INDEX contacts_status ON contacts (tenant_id, status, created_at, id);
CREATE INDEX contacts_customer_id ON contacts (tenant_id, customer_id, created_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX contacts_source ON contacts (tenant_id, source, created_at, id) WHERE source IS NOT NULL;
CREATE INDEX contacts_owner_id ON contacts (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX contacts_team_id ON contacts (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX contacts_created_at ON contacts (tenant_id, created_at, id);
CREATE INDEX contacts_updated_at ON contacts (tenant_id, updated_at, id);
CREATE INDEX contacts_archived_at ON contacts (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE contact_customers (
    tenant_id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    customer_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, customer_id, contact_id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX contact_customers_contact ON contact_customers (tenant_id, contact_id);
