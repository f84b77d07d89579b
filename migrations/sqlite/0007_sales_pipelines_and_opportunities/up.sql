CREATE TABLE pipelines (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    team_id BLOB,
    is_default INTEGER NOT NULL,
    moves TEXT NOT NULL,
    reason_required INTEGER NOT NULL,
    win_reasons TEXT NOT NULL,
    loss_reasons TEXT NOT NULL,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    pipeline_id BLOB NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    sort_order INTEGER,
    probability INTEGER,
    forecast_category TEXT,
    required_fields TEXT NOT NULL,
    exit_rule TEXT,
    rotting_days INTEGER,
    description TEXT,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    customer_id BLOB,
    pipeline_id BLOB NOT NULL,
    stage_id BLOB NOT NULL,
    status TEXT NOT NULL,
    amount INTEGER,
    amount_currency TEXT,
    probability INTEGER,
    expected_close_on TEXT,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    forecast_category TEXT,
    campaign_id BLOB,
    position TEXT NOT NULL,
    stage_entered_at INTEGER NOT NULL,
    rots_at INTEGER,
    last_activity_at INTEGER,
    next_task_at INTEGER,
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
    tenant_id BLOB NOT NULL,
    opportunity_id BLOB NOT NULL,
    contact_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, contact_id, opportunity_id),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunities (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX opportunity_contacts_opportunity ON opportunity_contacts (tenant_id, opportunity_id);

CREATE TABLE opportunity_team_members (
    tenant_id BLOB NOT NULL,
    opportunity_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, user_id, opportunity_id),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunities (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX opportunity_team_members_opportunity ON opportunity_team_members (tenant_id, opportunity_id);

CREATE TABLE line_items (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    opportunity_id BLOB NOT NULL,
    product_id BLOB,
    name TEXT,
    quantity REAL NOT NULL,
    unit_price INTEGER,
    unit_price_currency TEXT,
    discount REAL NOT NULL,
    amount INTEGER,
    amount_currency TEXT,
    sort_order INTEGER,
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
    tenant_id BLOB NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    id BLOB NOT NULL,
    until INTEGER,
    user_id BLOB,
    pipeline_id BLOB NOT NULL,
    stage_id BLOB NOT NULL,
    status TEXT NOT NULL,
    amount INTEGER,
    amount_currency TEXT,
    probability INTEGER,
    expected_close_on TEXT,
    forecast_category TEXT,
    owner_id BLOB,
    team_id BLOB,
    closed_at INTEGER,
    stage_entered_at INTEGER NOT NULL,
    former_step BLOB,
    former_seconds INTEGER,
    PRIMARY KEY (tenant_id, record_id, at, id),
    FOREIGN KEY (tenant_id, record_id) REFERENCES opportunities (tenant_id, id)
) WITHOUT ROWID;
-- Entries into stages, by time: funnels.
CREATE INDEX opportunity_ledger_entered ON opportunity_ledger (tenant_id, pipeline_id, at, record_id, stage_id, former_step, former_seconds) WHERE at = stage_entered_at;
