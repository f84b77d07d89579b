-- The value of customers, computed every day.
CREATE TABLE customer_values (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    customer_id BLOB NOT NULL,
    first_ordered_on TEXT NOT NULL,
    last_ordered_on TEXT NOT NULL,
    order_count INTEGER NOT NULL,
    order_total INTEGER NOT NULL,
    order_total_currency TEXT NOT NULL,
    recency_score INTEGER NOT NULL,
    frequency_score INTEGER NOT NULL,
    monetary_score INTEGER NOT NULL,
    rfm_class TEXT NOT NULL,
    sales_class TEXT NOT NULL,
    frequency_class TEXT NOT NULL,
    loyalty_class TEXT NOT NULL,
    alive_probability REAL,
    expected_purchases REAL,
    lifetime_value INTEGER,
    lifetime_value_currency TEXT,
    churn_risk TEXT,
    credit_risk TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id)
);
CREATE INDEX customer_values_customer_id ON customer_values (tenant_id, customer_id, created_at, id);
CREATE INDEX customer_values_last_ordered_on ON customer_values (tenant_id, last_ordered_on, created_at, id);
CREATE INDEX customer_values_order_count ON customer_values (tenant_id, order_count, created_at, id);
CREATE INDEX customer_values_order_total ON customer_values (tenant_id, order_total, created_at, id);
CREATE INDEX customer_values_rfm_class ON customer_values (tenant_id, rfm_class, created_at, id);
CREATE INDEX customer_values_loyalty_class ON customer_values (tenant_id, loyalty_class, created_at, id);
CREATE INDEX customer_values_alive_probability ON customer_values (tenant_id, alive_probability, created_at, id) WHERE alive_probability IS NOT NULL;
CREATE INDEX customer_values_lifetime_value ON customer_values (tenant_id, lifetime_value, created_at, id) WHERE lifetime_value IS NOT NULL;
CREATE INDEX customer_values_churn_risk ON customer_values (tenant_id, churn_risk, created_at, id) WHERE churn_risk IS NOT NULL;
CREATE INDEX customer_values_credit_risk ON customer_values (tenant_id, credit_risk, created_at, id);
CREATE INDEX customer_values_created_at ON customer_values (tenant_id, created_at, id);
CREATE INDEX customer_values_updated_at ON customer_values (tenant_id, updated_at, id);
CREATE INDEX customer_values_archived_at ON customer_values (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- What Farley keeps for itself of a tenant: what was learnt, and how far a computation has come.
CREATE TABLE kept (
    tenant_id BLOB NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) WITHOUT ROWID;
