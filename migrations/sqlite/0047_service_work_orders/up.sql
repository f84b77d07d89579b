-- Work orders of the field service, with their parts and checklists.
CREATE TABLE work_orders (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    subject TEXT NOT NULL,
    number TEXT NOT NULL,
    ticket_id BLOB,
    customer_id BLOB,
    contact_id BLOB,
    priority TEXT NOT NULL,
    status TEXT NOT NULL,
    status_entered_at INTEGER NOT NULL,
    window_from INTEGER,
    window_to INTEGER,
    duration_minutes INTEGER NOT NULL,
    scheduled_from INTEGER,
    scheduled_to INTEGER,
    checked_in_at INTEGER,
    checked_out_at INTEGER,
    on_site_seconds INTEGER NOT NULL,
    closed_at INTEGER,
    reason TEXT,
    signature_file_id BLOB,
    reopen_count INTEGER NOT NULL,
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
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, signature_file_id) REFERENCES files (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE UNIQUE INDEX work_orders_number_key ON work_orders (tenant_id, number) WHERE archived_at IS NULL;
CREATE INDEX work_orders_number ON work_orders (tenant_id, number, created_at, id);
CREATE INDEX work_orders_ticket_id ON work_orders (tenant_id, ticket_id, created_at, id) WHERE ticket_id IS NOT NULL;
CREATE INDEX work_orders_customer_id ON work_orders (tenant_id, customer_id, created_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX work_orders_contact_id ON work_orders (tenant_id, contact_id, created_at, id) WHERE contact_id IS NOT NULL;
CREATE INDEX work_orders_priority ON work_orders (tenant_id, priority, created_at, id);
CREATE INDEX work_orders_status ON work_orders (tenant_id, status, created_at, id);
CREATE INDEX work_orders_window_from ON work_orders (tenant_id, window_from, created_at, id) WHERE window_from IS NOT NULL;
CREATE INDEX work_orders_scheduled_from ON work_orders (tenant_id, scheduled_from, created_at, id) WHERE scheduled_from IS NOT NULL;
CREATE INDEX work_orders_closed_at ON work_orders (tenant_id, closed_at, created_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX work_orders_owner_id ON work_orders (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX work_orders_team_id ON work_orders (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX work_orders_created_at ON work_orders (tenant_id, created_at, id);
CREATE INDEX work_orders_updated_at ON work_orders (tenant_id, updated_at, id);
CREATE INDEX work_orders_archived_at ON work_orders (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
-- The plan of a technician.
CREATE INDEX work_orders_day ON work_orders (tenant_id, owner_id, scheduled_from, id) WHERE owner_id IS NOT NULL AND scheduled_from IS NOT NULL;

CREATE TABLE work_order_parts (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    work_order_id BLOB NOT NULL,
    product_id BLOB,
    name TEXT NOT NULL,
    quantity_planned REAL NOT NULL,
    quantity_used REAL,
    unit TEXT,
    note TEXT,
    sort_order INTEGER NOT NULL,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, work_order_id) REFERENCES work_orders (tenant_id, id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id)
);
CREATE INDEX work_order_parts_work_order_id ON work_order_parts (tenant_id, work_order_id, sort_order, id);
CREATE INDEX work_order_parts_product_id ON work_order_parts (tenant_id, product_id, work_order_id, sort_order, id) WHERE product_id IS NOT NULL;
CREATE INDEX work_order_parts_created_at ON work_order_parts (tenant_id, created_at, id);
CREATE INDEX work_order_parts_updated_at ON work_order_parts (tenant_id, updated_at, id);
CREATE INDEX work_order_parts_archived_at ON work_order_parts (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE checklist_items (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    work_order_id BLOB NOT NULL,
    text TEXT NOT NULL,
    is_required INTEGER NOT NULL,
    is_done INTEGER NOT NULL,
    answer TEXT,
    done_by_id BLOB,
    done_at INTEGER,
    sort_order INTEGER NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, work_order_id) REFERENCES work_orders (tenant_id, id),
    FOREIGN KEY (tenant_id, done_by_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX checklist_items_work_order_id ON checklist_items (tenant_id, work_order_id, sort_order, id);
CREATE INDEX checklist_items_created_at ON checklist_items (tenant_id, created_at, id);
CREATE INDEX checklist_items_updated_at ON checklist_items (tenant_id, updated_at, id);
CREATE INDEX checklist_items_archived_at ON checklist_items (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- SQLite cannot add a key of two columns to a table that is there.
ALTER TABLE activities ADD COLUMN work_order_id BLOB;
CREATE INDEX activities_work_order_id ON activities (tenant_id, work_order_id, occurred_at, id) WHERE work_order_id IS NOT NULL;
