CREATE TABLE pipelines (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    team_id uuid,
    is_default boolean NOT NULL,
    moves text COLLATE "C" NOT NULL,
    reason_required boolean NOT NULL,
    win_reasons json NOT NULL,
    loss_reasons json NOT NULL,
    external_ids json NOT NULL,
    custom json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE UNIQUE INDEX pipelines_name_key ON pipelines (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX pipelines_name ON pipelines (tenant_id, name, created_at, id);
CREATE INDEX pipelines_team_id ON pipelines (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX pipelines_created_at ON pipelines (tenant_id, created_at, id);
CREATE INDEX pipelines_updated_at ON pipelines (tenant_id, updated_at, id);
CREATE INDEX pipelines_archived_at ON pipelines (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE stages (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    pipeline_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    sort_order bigint,
    probability bigint,
    forecast_category text COLLATE "C",
    required_fields json NOT NULL,
    exit_rule json,
    rotting_days bigint,
    description text COLLATE "C",
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, pipeline_id) REFERENCES pipelines (tenant_id, id)
);
CREATE INDEX stages_pipeline_id ON stages (tenant_id, pipeline_id, created_at, id);
CREATE INDEX stages_created_at ON stages (tenant_id, created_at, id);
CREATE INDEX stages_updated_at ON stages (tenant_id, updated_at, id);
CREATE INDEX stages_archived_at ON stages (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
CREATE UNIQUE INDEX stages_name_key ON stages (tenant_id, pipeline_id, name) WHERE archived_at IS NULL;

CREATE TABLE opportunities (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    customer_id uuid,
    pipeline_id uuid NOT NULL,
    stage_id uuid NOT NULL,
    status text COLLATE "C" NOT NULL,
    amount bigint,
    amount_currency text COLLATE "C",
    probability bigint,
    expected_close_on date,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    forecast_category text COLLATE "C",
    campaign_id uuid,
    position text COLLATE "C" NOT NULL,
    stage_entered_at timestamptz NOT NULL,
    rots_at timestamptz,
    last_activity_at timestamptz,
    next_task_at timestamptz,
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
    FOREIGN KEY (tenant_id, pipeline_id) REFERENCES pipelines (tenant_id, id),
    FOREIGN KEY (tenant_id, stage_id) REFERENCES stages (tenant_id, id),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE INDEX opportunities_name ON opportunities (tenant_id, name, created_at, id);
CREATE INDEX opportunities_customer_id ON opportunities (tenant_id, customer_id, created_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX opportunities_pipeline_id ON opportunities (tenant_id, pipeline_id, created_at, id);
CREATE INDEX opportunities_opened_at ON opportunities (tenant_id, pipeline_id, opened_at, id);
CREATE INDEX opportunities_stage_id ON opportunities (tenant_id, stage_id, position, id);
CREATE INDEX opportunities_status ON opportunities (tenant_id, status, created_at, id);
CREATE INDEX opportunities_expected_close_on ON opportunities (tenant_id, expected_close_on, created_at, id) WHERE expected_close_on IS NOT NULL;
CREATE INDEX opportunities_closed_at ON opportunities (tenant_id, closed_at, created_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX opportunities_amount ON opportunities (tenant_id, amount, id) WHERE amount IS NOT NULL;
CREATE INDEX opportunities_campaign_id ON opportunities (tenant_id, campaign_id, created_at, id) WHERE campaign_id IS NOT NULL;
CREATE INDEX opportunities_rots_at ON opportunities (tenant_id, rots_at, created_at, id) WHERE rots_at IS NOT NULL;
CREATE INDEX opportunities_last_activity_at ON opportunities (tenant_id, last_activity_at, created_at, id) WHERE last_activity_at IS NOT NULL;
CREATE INDEX opportunities_next_task_at ON opportunities (tenant_id, next_task_at, created_at, id) WHERE next_task_at IS NOT NULL;
CREATE INDEX opportunities_owner_id ON opportunities (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX opportunities_team_id ON opportunities (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX opportunities_created_at ON opportunities (tenant_id, created_at, id);
CREATE INDEX opportunities_updated_at ON opportunities (tenant_id, updated_at, id);
CREATE INDEX opportunities_archived_at ON opportunities (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
-- The totals of a board, without reading the opportunities themselves.
CREATE INDEX opportunities_board ON opportunities (tenant_id, pipeline_id, stage_id, amount_currency, amount, probability) WHERE archived_at IS NULL AND status = 'open';

CREATE TABLE opportunity_contacts (
    tenant_id uuid NOT NULL,
    opportunity_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, contact_id, opportunity_id),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunities (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
);
CREATE INDEX opportunity_contacts_opportunity ON opportunity_contacts (tenant_id, opportunity_id);

CREATE TABLE opportunity_team_members (
    tenant_id uuid NOT NULL,
    opportunity_id uuid NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, user_id, opportunity_id),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunities (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX opportunity_team_members_opportunity ON opportunity_team_members (tenant_id, opportunity_id);

CREATE TABLE line_items (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    opportunity_id uuid NOT NULL,
    product_id uuid,
    name text COLLATE "C",
    quantity double precision NOT NULL,
    unit_price bigint,
    unit_price_currency text COLLATE "C",
    discount double precision NOT NULL,
    amount bigint,
    amount_currency text COLLATE "C",
    sort_order bigint,
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
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunities (tenant_id, id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id)
);
CREATE INDEX line_items_opportunity_id ON line_items (tenant_id, opportunity_id, created_at, id);
CREATE INDEX line_items_product_id ON line_items (tenant_id, product_id, created_at, id) WHERE product_id IS NOT NULL;
CREATE INDEX line_items_created_at ON line_items (tenant_id, created_at, id);
CREATE INDEX line_items_updated_at ON line_items (tenant_id, updated_at, id);
CREATE INDEX line_items_archived_at ON line_items (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- What was true of an opportunity from one time until another: a row for each change of what forecasts and funnels count.
CREATE TABLE opportunity_ledger (
    tenant_id uuid NOT NULL,
    record_id uuid NOT NULL,
    at timestamptz NOT NULL,
    id uuid NOT NULL,
    until timestamptz,
    user_id uuid,
    pipeline_id uuid NOT NULL,
    stage_id uuid NOT NULL,
    status text COLLATE "C" NOT NULL,
    amount bigint,
    amount_currency text COLLATE "C",
    probability bigint,
    expected_close_on date,
    forecast_category text COLLATE "C",
    owner_id uuid,
    team_id uuid,
    closed_at timestamptz,
    stage_entered_at timestamptz NOT NULL,
    former_step uuid,
    former_seconds bigint,
    PRIMARY KEY (tenant_id, record_id, at, id),
    FOREIGN KEY (tenant_id, record_id) REFERENCES opportunities (tenant_id, id)
);
-- Entries into stages, by time: funnels.
CREATE INDEX opportunity_ledger_entered ON opportunity_ledger (tenant_id, pipeline_id, at, record_id, stage_id, former_step, former_seconds) WHERE at = stage_entered_at;
