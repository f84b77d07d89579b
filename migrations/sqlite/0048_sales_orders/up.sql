-- Orders with their lines, payments and refunds.
CREATE TABLE orders (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    number TEXT NOT NULL,
    customer_id BLOB NOT NULL,
    contact_id BLOB,
    opportunity_id BLOB,
    ordered_on TEXT NOT NULL,
    status TEXT NOT NULL,
    amount INTEGER,
    amount_currency TEXT,
    paid_amount INTEGER,
    paid_amount_currency TEXT,
    refunded_amount INTEGER,
    refunded_amount_currency TEXT,
    outstanding_amount INTEGER,
    outstanding_amount_currency TEXT,
    payment_status TEXT NOT NULL,
    next_due_on TEXT,
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
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    order_id BLOB NOT NULL,
    product_id BLOB,
    name TEXT NOT NULL,
    quantity REAL NOT NULL,
    unit TEXT,
    unit_price INTEGER NOT NULL,
    unit_price_currency TEXT NOT NULL,
    discount REAL NOT NULL,
    tax_rate REAL NOT NULL,
    net_amount INTEGER NOT NULL,
    net_amount_currency TEXT NOT NULL,
    tax_amount INTEGER NOT NULL,
    tax_amount_currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    amount_currency TEXT NOT NULL,
    sort_order INTEGER NOT NULL,
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
    FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id)
);
CREATE INDEX order_lines_order_id ON order_lines (tenant_id, order_id, sort_order, id);
CREATE INDEX order_lines_product_id ON order_lines (tenant_id, product_id, order_id, sort_order, id) WHERE product_id IS NOT NULL;
CREATE INDEX order_lines_created_at ON order_lines (tenant_id, created_at, id);
CREATE INDEX order_lines_updated_at ON order_lines (tenant_id, updated_at, id);
CREATE INDEX order_lines_archived_at ON order_lines (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE payments (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    order_id BLOB NOT NULL,
    amount INTEGER NOT NULL,
    amount_currency TEXT NOT NULL,
    due_on TEXT,
    paid_on TEXT,
    method TEXT,
    reference TEXT,
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
    FOREIGN KEY (tenant_id, order_id) REFERENCES orders (tenant_id, id)
);
CREATE INDEX payments_order_id ON payments (tenant_id, order_id, created_at, id);
CREATE INDEX payments_due_on ON payments (tenant_id, due_on, created_at, id) WHERE due_on IS NOT NULL;
CREATE INDEX payments_paid_on ON payments (tenant_id, paid_on, created_at, id) WHERE paid_on IS NOT NULL;
CREATE INDEX payments_created_at ON payments (tenant_id, created_at, id);
CREATE INDEX payments_updated_at ON payments (tenant_id, updated_at, id);
CREATE INDEX payments_archived_at ON payments (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE refunds (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    order_id BLOB NOT NULL,
    amount INTEGER NOT NULL,
    amount_currency TEXT NOT NULL,
    refunded_on TEXT NOT NULL,
    order_line_id BLOB,
    quantity REAL,
    reason TEXT,
    method TEXT,
    reference TEXT,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
