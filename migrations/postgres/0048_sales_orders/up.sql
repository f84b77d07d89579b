-- Orders with their lines, payments and refunds.
CREATE TABLE orders (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    number text COLLATE "C" NOT NULL,
    customer_id uuid NOT NULL,
    contact_id uuid,
    opportunity_id uuid,
    ordered_on date NOT NULL,
    status text COLLATE "C" NOT NULL,
    amount bigint,
    amount_currency text COLLATE "C",
    paid_amount bigint,
    paid_amount_currency text COLLATE "C",
    refunded_amount bigint,
    refunded_amount_currency text COLLATE "C",
    outstanding_amount bigint,
    outstanding_amount_currency text COLLATE "C",
    payment_status text COLLATE "C" NOT NULL,
    next_due_on date,
    owner_id uuid,
    team_id uuid,
    tag_ids json NOT NULL,
    external_ids json NOT NULL,
    custom json NOT NULL,
    details json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunities (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE UNIQUE INDEX orders_number_key ON orders (tenant_id, number) WHERE archived_at IS NULL;
CREATE INDEX orders_number ON orders (tenant_id, number, created_at, id);
CREATE INDEX orders_customer_id ON orders (tenant_id, customer_id, created_at, id);
CREATE INDEX orders_contact_id ON orders (tenant_id, contact_id, created_at, id) WHERE contact_id IS NOT NULL;
CREATE INDEX orders_opportunity_id ON orders (tenant_id, opportunity_id, created_at, id) WHERE opportunity_id IS NOT NULL;
CREATE INDEX orders_ordered_on ON orders (tenant_id, ordered_on, created_at, id);
CREATE INDEX orders_status ON orders (tenant_id, status, created_at, id);
CREATE INDEX orders_amount ON orders (tenant_id, amount, created_at, id) WHERE amount IS NOT NULL;
CREATE INDEX orders_payment_status ON orders (tenant_id, payment_status, created_at, id);
CREATE INDEX orders_next_due_on ON orders (tenant_id, next_due_on, created_at, id) WHERE next_due_on IS NOT NULL;
CREATE INDEX orders_owner_id ON orders (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX orders_team_id ON orders (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX orders_created_at ON orders (tenant_id, created_at, id);
CREATE INDEX orders_updated_at ON orders (tenant_id, updated_at, id);
CREATE INDEX orders_archived_at ON orders (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE order_lines (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    order_id uuid NOT NULL,
    product_id uuid,
    name text COLLATE "C" NOT NULL,
    quantity double precision NOT NULL,
    unit text COLLATE "C",
    unit_price bigint NOT NULL,
    unit_price_currency text COLLATE "C" NOT NULL,
    discount double precision NOT NULL,
    tax_rate double precision NOT NULL,
    net_amount bigint NOT NULL,
    net_amount_currency text COLLATE "C" NOT NULL,
    tax_amount bigint NOT NULL,
    tax_amount_currency text COLLATE "C" NOT NULL,
    amount bigint NOT NULL,
    amount_currency text COLLATE "C" NOT NULL,
    sort_order bigint NOT NULL,
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
    FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id)
);
CREATE INDEX order_lines_order_id ON order_lines (tenant_id, order_id, sort_order, id);
CREATE INDEX order_lines_product_id ON order_lines (tenant_id, product_id, order_id, sort_order, id) WHERE product_id IS NOT NULL;
CREATE INDEX order_lines_created_at ON order_lines (tenant_id, created_at, id);
CREATE INDEX order_lines_updated_at ON order_lines (tenant_id, updated_at, id);
CREATE INDEX order_lines_archived_at ON order_lines (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE payments (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    order_id uuid NOT NULL,
    amount bigint NOT NULL,
    amount_currency text COLLATE "C" NOT NULL,
    due_on date,
    paid_on date,
    method text COLLATE "C",
    reference text COLLATE "C",
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
    FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
);
CREATE INDEX payments_order_id ON payments (tenant_id, order_id, created_at, id);
CREATE INDEX payments_due_on ON payments (tenant_id, due_on, created_at, id) WHERE due_on IS NOT NULL;
CREATE INDEX payments_paid_on ON payments (tenant_id, paid_on, created_at, id) WHERE paid_on IS NOT NULL;
CREATE INDEX payments_created_at ON payments (tenant_id, created_at, id);
CREATE INDEX payments_updated_at ON payments (tenant_id, updated_at, id);
CREATE INDEX payments_archived_at ON payments (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE refunds (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    order_id uuid NOT NULL,
    amount bigint NOT NULL,
    amount_currency text COLLATE "C" NOT NULL,
    refunded_on date NOT NULL,
    order_line_id uuid,
    quantity double precision,
    reason text COLLATE "C",
    method text COLLATE "C",
    reference text COLLATE "C",
    external_ids json NOT NULL,
    custom json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
    FOREIGN KEY (tenant_id, order_line_id) REFERENCES order_lines (tenant_id, id)
);
CREATE INDEX refunds_order_id ON refunds (tenant_id, order_id, created_at, id);
CREATE INDEX refunds_refunded_on ON refunds (tenant_id, refunded_on, created_at, id);
CREATE INDEX refunds_created_at ON refunds (tenant_id, created_at, id);
CREATE INDEX refunds_updated_at ON refunds (tenant_id, updated_at, id);
CREATE INDEX refunds_archived_at ON refunds (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
