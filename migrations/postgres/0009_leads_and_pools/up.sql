CREATE TABLE pools (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    object text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    team_ids json NOT NULL,
    is_default boolean NOT NULL,
    daily_claims bigint,
    holding_cap bigint,
    protection_days bigint NOT NULL,
    recall_after_days bigint,
    recall_without_deal_days bigint,
    warn_days bigint NOT NULL,
    cooldown_days bigint NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX pools_name_key ON pools (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX pools_name ON pools (tenant_id, name, created_at, id);
CREATE INDEX pools_created_at ON pools (tenant_id, created_at, id);
CREATE INDEX pools_updated_at ON pools (tenant_id, updated_at, id);
CREATE INDEX pools_archived_at ON pools (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE pool_teams (
    tenant_id uuid NOT NULL,
    pool_id uuid NOT NULL,
    team_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, team_id, pool_id),
    FOREIGN KEY (tenant_id, pool_id) REFERENCES pools (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE INDEX pool_teams_pool ON pool_teams (tenant_id, pool_id);

-- Who held which record of a pool, from when until when: the history of holders, and what quotas and recalls are counted by.
CREATE TABLE pool_holdings (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    object text COLLATE "C" NOT NULL,
    record_id uuid NOT NULL,
    pool_id uuid NOT NULL,
    user_id uuid NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz,
    -- claimed or assigned
    began text COLLATE "C" NOT NULL,
    -- released, recalled, reassigned or archived
    ended text COLLATE "C",
    reason text COLLATE "C",
    warned_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, pool_id) REFERENCES pools (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
-- A record has one holder at a time.
CREATE UNIQUE INDEX pool_holdings_open ON pool_holdings (tenant_id, record_id) WHERE until IS NULL;
CREATE INDEX pool_holdings_record ON pool_holdings (tenant_id, record_id, since, id);
CREATE INDEX pool_holdings_idle ON pool_holdings (tenant_id, pool_id, since, id) WHERE until IS NULL;
CREATE INDEX pool_holdings_claims ON pool_holdings (tenant_id, user_id, pool_id, since) WHERE began = 'claimed';

-- Tables stay narrow: what nobody filters by goes into the details.
UPDATE customers SET details = (details::jsonb || jsonb_build_object('completeness', completeness))::json;
ALTER TABLE customers DROP COLUMN completeness;
-- The pool is checked where it is written: SQLite cannot add a key of two columns to a table that is there.
ALTER TABLE customers ADD COLUMN pool_id uuid;
CREATE INDEX customers_pool_id ON customers (tenant_id, pool_id, created_at, id) WHERE pool_id IS NOT NULL;

CREATE TABLE lead_forms (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    token text COLLATE "C" NOT NULL,
    is_active boolean NOT NULL,
    fields json NOT NULL,
    consent_text text COLLATE "C",
    consent_channel text COLLATE "C" NOT NULL,
    consent_required boolean NOT NULL,
    source text COLLATE "C",
    campaign_id uuid,
    lead_owner_id uuid,
    pool_id uuid,
    assign boolean NOT NULL,
    first_response_minutes bigint,
    allowed_origins json NOT NULL,
    honeypot text COLLATE "C",
    redirect_url text COLLATE "C",
    thank_you text COLLATE "C",
    duplicate_days bigint NOT NULL,
    submissions_per_minute bigint NOT NULL,
    owner_id uuid,
    team_id uuid,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id),
    FOREIGN KEY (tenant_id, lead_owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, pool_id) REFERENCES pools (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE INDEX lead_forms_name ON lead_forms (tenant_id, name, created_at, id);
CREATE INDEX lead_forms_owner_id ON lead_forms (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX lead_forms_team_id ON lead_forms (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX lead_forms_created_at ON lead_forms (tenant_id, created_at, id);
CREATE INDEX lead_forms_updated_at ON lead_forms (tenant_id, updated_at, id);
CREATE INDEX lead_forms_archived_at ON lead_forms (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- A form is found by its token alone: nobody has said yet of which tenant.
CREATE UNIQUE INDEX lead_forms_token ON lead_forms (token);

CREATE TABLE assignment_rules (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    is_active boolean NOT NULL,
    sort_order bigint NOT NULL,
    filter json,
    target text COLLATE "C" NOT NULL,
    user_ids json NOT NULL,
    team_id uuid,
    pool_id uuid,
    territories json NOT NULL,
    respects_hours boolean NOT NULL,
    first_response_minutes bigint,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    FOREIGN KEY (tenant_id, pool_id) REFERENCES pools (tenant_id, id)
);
CREATE INDEX assignment_rules_name ON assignment_rules (tenant_id, name, created_at, id);
CREATE INDEX assignment_rules_created_at ON assignment_rules (tenant_id, created_at, id);
CREATE INDEX assignment_rules_updated_at ON assignment_rules (tenant_id, updated_at, id);
CREATE INDEX assignment_rules_archived_at ON assignment_rules (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE assignment_rule_users (
    tenant_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, user_id, rule_id),
    FOREIGN KEY (tenant_id, rule_id) REFERENCES assignment_rules (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX assignment_rule_users_rule ON assignment_rule_users (tenant_id, rule_id);

CREATE TABLE work_schedules (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    user_ids json NOT NULL,
    time_zone text COLLATE "C",
    weekly json NOT NULL,
    absences json NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE INDEX work_schedules_name ON work_schedules (tenant_id, name, created_at, id);
CREATE INDEX work_schedules_created_at ON work_schedules (tenant_id, created_at, id);
CREATE INDEX work_schedules_updated_at ON work_schedules (tenant_id, updated_at, id);
CREATE INDEX work_schedules_archived_at ON work_schedules (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE work_schedule_users (
    tenant_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, user_id, schedule_id),
    FOREIGN KEY (tenant_id, schedule_id) REFERENCES work_schedules (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX work_schedule_users_schedule ON work_schedule_users (tenant_id, schedule_id);

CREATE TABLE leads (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C",
    company text COLLATE "C",
    emails json NOT NULL,
    phones json NOT NULL,
    region text COLLATE "C",
    source text COLLATE "C",
    campaign_id uuid,
    status text COLLATE "C" NOT NULL,
    status_entered_at timestamptz NOT NULL,
    score bigint NOT NULL,
    pool_id uuid,
    customer_id uuid,
    contact_id uuid,
    opportunity_id uuid,
    first_response_due_at timestamptz,
    first_responded_at timestamptz,
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
    FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id),
    FOREIGN KEY (tenant_id, pool_id) REFERENCES pools (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunities (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE INDEX leads_name ON leads (tenant_id, name, created_at, id) WHERE name IS NOT NULL;
CREATE INDEX leads_company ON leads (tenant_id, company, created_at, id) WHERE company IS NOT NULL;
CREATE INDEX leads_region ON leads (tenant_id, region, created_at, id) WHERE region IS NOT NULL;
CREATE INDEX leads_source ON leads (tenant_id, source, created_at, id) WHERE source IS NOT NULL;
CREATE INDEX leads_campaign_id ON leads (tenant_id, campaign_id, created_at, id) WHERE campaign_id IS NOT NULL;
CREATE INDEX leads_status ON leads (tenant_id, status, created_at, id);
CREATE INDEX leads_score ON leads (tenant_id, score, created_at, id);
CREATE INDEX leads_pool_id ON leads (tenant_id, pool_id, created_at, id) WHERE pool_id IS NOT NULL;
CREATE INDEX leads_customer_id ON leads (tenant_id, customer_id, created_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX leads_contact_id ON leads (tenant_id, contact_id, created_at, id) WHERE contact_id IS NOT NULL;
CREATE INDEX leads_opportunity_id ON leads (tenant_id, opportunity_id, created_at, id) WHERE opportunity_id IS NOT NULL;
CREATE INDEX leads_first_response_due_at ON leads (tenant_id, first_response_due_at, created_at, id) WHERE first_response_due_at IS NOT NULL;
CREATE INDEX leads_first_responded_at ON leads (tenant_id, first_responded_at, created_at, id) WHERE first_responded_at IS NOT NULL;
CREATE INDEX leads_last_activity_at ON leads (tenant_id, last_activity_at, created_at, id) WHERE last_activity_at IS NOT NULL;
CREATE INDEX leads_next_task_at ON leads (tenant_id, next_task_at, created_at, id) WHERE next_task_at IS NOT NULL;
CREATE INDEX leads_owner_id ON leads (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX leads_team_id ON leads (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX leads_created_at ON leads (tenant_id, created_at, id);
CREATE INDEX leads_updated_at ON leads (tenant_id, updated_at, id);
CREATE INDEX leads_archived_at ON leads (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- What was true of a lead from one time until another: a row for each change of status, owner and pool.
CREATE TABLE lead_ledger (
    tenant_id uuid NOT NULL,
    record_id uuid NOT NULL,
    at timestamptz NOT NULL,
    id uuid NOT NULL,
    until timestamptz,
    user_id uuid,
    status text COLLATE "C" NOT NULL,
    owner_id uuid,
    team_id uuid,
    pool_id uuid,
    status_entered_at timestamptz NOT NULL,
    former_step text COLLATE "C",
    former_seconds bigint,
    PRIMARY KEY (tenant_id, record_id, at, id),
    FOREIGN KEY (tenant_id, record_id) REFERENCES leads (tenant_id, id)
);
-- Entries into each status, by time: funnels.
CREATE INDEX lead_ledger_entered ON lead_ledger (tenant_id, at, record_id, status, former_step, former_seconds) WHERE at = status_entered_at;

CREATE TABLE scoring_rules (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    is_active boolean NOT NULL,
    filter json,
    points bigint NOT NULL,
    decay_field text COLLATE "C",
    half_life_days bigint,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE INDEX scoring_rules_name ON scoring_rules (tenant_id, name, created_at, id);
CREATE INDEX scoring_rules_created_at ON scoring_rules (tenant_id, created_at, id);
CREATE INDEX scoring_rules_updated_at ON scoring_rules (tenant_id, updated_at, id);
CREATE INDEX scoring_rules_archived_at ON scoring_rules (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- How many leads with a value of a field were converted (won) and disqualified (lost); those of all leads stand under the field ''.
CREATE TABLE lead_score_counts (
    tenant_id uuid NOT NULL,
    field text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    won bigint NOT NULL,
    lost bigint NOT NULL,
    PRIMARY KEY (tenant_id, field, value),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
