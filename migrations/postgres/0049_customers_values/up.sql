-- The value of customers, computed every day.
CREATE TABLE customer_values (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid NOT NULL,
    first_ordered_on date NOT NULL,
    last_ordered_on date NOT NULL,
    order_count bigint NOT NULL,
    order_total bigint NOT NULL,
    order_total_currency text COLLATE "C" NOT NULL,
    recency_score bigint NOT NULL,
    frequency_score bigint NOT NULL,
    monetary_score bigint NOT NULL,
    rfm_class text COLLATE "C" NOT NULL,
    sales_class text COLLATE "C" NOT NULL,
    frequency_class text COLLATE "C" NOT NULL,
    loyalty_class text COLLATE "C" NOT NULL,
    alive_probability double precision,
    expected_purchases double precision,
    lifetime_value bigint,
    lifetime_value_currency text COLLATE "C",
    churn_risk text COLLATE "C",
    credit_risk text COLLATE "C" NOT NULL,
    details json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    value json NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, name),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
