-- Work orders of the field service, with their parts and checklists.
CREATE TABLE work_orders (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL,
    ticket_id uuid,
    customer_id uuid,
    contact_id uuid,
    priority text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    status_entered_at timestamptz NOT NULL,
    window_from timestamptz,
    window_to timestamptz,
    duration_minutes bigint NOT NULL,
    scheduled_from timestamptz,
    scheduled_to timestamptz,
    checked_in_at timestamptz,
    checked_out_at timestamptz,
    on_site_seconds bigint NOT NULL,
    closed_at timestamptz,
    reason text COLLATE "C",
    signature_file_id uuid,
    reopen_count bigint NOT NULL,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    work_order_id uuid NOT NULL,
    product_id uuid,
    name text COLLATE "C" NOT NULL,
    quantity_planned double precision NOT NULL,
    quantity_used double precision,
    unit text COLLATE "C",
    note text COLLATE "C",
    sort_order bigint NOT NULL,
    external_ids json NOT NULL,
    custom json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    work_order_id uuid NOT NULL,
    text text COLLATE "C" NOT NULL,
    is_required boolean NOT NULL,
    is_done boolean NOT NULL,
    answer text COLLATE "C",
    done_by_id uuid,
    done_at timestamptz,
    sort_order bigint NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, work_order_id) REFERENCES work_orders (tenant_id, id),
    FOREIGN KEY (tenant_id, done_by_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX checklist_items_work_order_id ON checklist_items (tenant_id, work_order_id, sort_order, id);
CREATE INDEX checklist_items_created_at ON checklist_items (tenant_id, created_at, id);
CREATE INDEX checklist_items_updated_at ON checklist_items (tenant_id, updated_at, id);
CREATE INDEX checklist_items_archived_at ON checklist_items (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

ALTER TABLE activities ADD COLUMN work_order_id uuid;
CREATE INDEX activities_work_order_id ON activities (tenant_id, work_order_id, occurred_at, id) WHERE work_order_id IS NOT NULL;
