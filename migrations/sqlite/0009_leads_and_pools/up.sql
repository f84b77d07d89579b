CREATE TABLE pools (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    object TEXT NOT NULL,
    description TEXT,
    team_ids TEXT NOT NULL,
    is_default INTEGER NOT NULL,
    daily_claims INTEGER,
    holding_cap INTEGER,
    protection_days INTEGER NOT NULL,
    recall_after_days INTEGER,
    recall_without_deal_days INTEGER,
    warn_days INTEGER NOT NULL,
    cooldown_days INTEGER NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX pools_name_key ON pools (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX pools_name ON pools (tenant_id, name, created_at, id);
CREATE INDEX pools_created_at ON pools (tenant_id, created_at, id);
CREATE INDEX pools_updated_at ON pools (tenant_id, updated_at, id);
CREATE INDEX pools_archived_at ON pools (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE pool_teams (
    tenant_id BLOB NOT NULL,
    pool_id BLOB NOT NULL,
    team_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, team_id, pool_id),
    FOREIGN KEY (tenant_id, pool_id) REFERENCES pools (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX pool_teams_pool ON pool_teams (tenant_id, pool_id);

-- Who held which record of a pool, from when until when: the history of holders, and what quotas and recalls are counted by.
CREATE TABLE pool_holdings (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    object TEXT NOT NULL,
    record_id BLOB NOT NULL,
    pool_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,
    -- claimed or assigned
    began TEXT NOT NULL,
    -- released, recalled, reassigned or archived
    ended TEXT,
    reason TEXT,
    warned_at INTEGER,
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
UPDATE customers SET details = json_set(details, '$.completeness', json(completeness));
ALTER TABLE customers DROP COLUMN completeness;
-- The pool is checked where it is written: SQLite cannot add a key of two columns to a table that is there.
ALTER TABLE customers ADD COLUMN pool_id BLOB;
CREATE INDEX customers_pool_id ON customers (tenant_id, pool_id, created_at, id) WHERE pool_id IS NOT NULL;

CREATE TABLE lead_forms (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    token TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    fields TEXT NOT NULL,
    consent_text TEXT,
    consent_channel TEXT NOT NULL,
    consent_required INTEGER NOT NULL,
    source TEXT,
    campaign_id BLOB,
    lead_owner_id BLOB,
    pool_id BLOB,
    assign INTEGER NOT NULL,
    first_response_minutes INTEGER,
    allowed_origins TEXT NOT NULL,
    honeypot TEXT,
    redirect_url TEXT,
    thank_you TEXT,
    duplicate_days INTEGER NOT NULL,
    submissions_per_minute INTEGER NOT NULL,
    owner_id BLOB,
    team_id BLOB,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    sort_order INTEGER NOT NULL,
    filter TEXT,
    target TEXT NOT NULL,
    user_ids TEXT NOT NULL,
    team_id BLOB,
    pool_id BLOB,
    territories TEXT NOT NULL,
    respects_hours INTEGER NOT NULL,
    first_response_minutes INTEGER,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
    tenant_id BLOB NOT NULL,
    rule_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, user_id, rule_id),
    FOREIGN KEY (tenant_id, rule_id) REFERENCES assignment_rules (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX assignment_rule_users_rule ON assignment_rule_users (tenant_id, rule_id);

CREATE TABLE work_schedules (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    user_ids TEXT NOT NULL,
    time_zone TEXT,
    weekly TEXT NOT NULL,
    absences TEXT NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE INDEX work_schedules_name ON work_schedules (tenant_id, name, created_at, id);
CREATE INDEX work_schedules_created_at ON work_schedules (tenant_id, created_at, id);
CREATE INDEX work_schedules_updated_at ON work_schedules (tenant_id, updated_at, id);
CREATE INDEX work_schedules_archived_at ON work_schedules (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE work_schedule_users (
    tenant_id BLOB NOT NULL,
    schedule_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, user_id, schedule_id),
    FOREIGN KEY (tenant_id, schedule_id) REFERENCES work_schedules (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX work_schedule_users_schedule ON work_schedule_users (tenant_id, schedule_id);

CREATE TABLE leads (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT,
    company TEXT,
    emails TEXT NOT NULL,
    phones TEXT NOT NULL,
    region TEXT,
    source TEXT,
    campaign_id BLOB,
    status TEXT NOT NULL,
    status_entered_at INTEGER NOT NULL,
    score INTEGER NOT NULL,
    pool_id BLOB,
    customer_id BLOB,
    contact_id BLOB,
    opportunity_id BLOB,
    first_response_due_at INTEGER,
    first_responded_at INTEGER,
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
    tenant_id BLOB NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    id BLOB NOT NULL,
    until INTEGER,
    user_id BLOB,
    status TEXT NOT NULL,
    owner_id BLOB,
    team_id BLOB,
    pool_id BLOB,
    status_entered_at INTEGER NOT NULL,
    former_step TEXT,
    former_seconds INTEGER,
    PRIMARY KEY (tenant_id, record_id, at, id),
    FOREIGN KEY (tenant_id, record_id) REFERENCES leads (tenant_id, id)
) WITHOUT ROWID;
-- Entries into each status, by time: funnels.
CREATE INDEX lead_ledger_entered ON lead_ledger (tenant_id, at, record_id, status, former_step, former_seconds) WHERE at = status_entered_at;

CREATE TABLE scoring_rules (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    filter TEXT,
    points INTEGER NOT NULL,
    decay_field TEXT,
    half_life_days INTEGER,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE INDEX scoring_rules_name ON scoring_rules (tenant_id, name, created_at, id);
CREATE INDEX scoring_rules_created_at ON scoring_rules (tenant_id, created_at, id);
CREATE INDEX scoring_rules_updated_at ON scoring_rules (tenant_id, updated_at, id);
CREATE INDEX scoring_rules_archived_at ON scoring_rules (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- How many leads with a value of a field were converted (won) and disqualified (lost); those of all leads stand under the field ''.
CREATE TABLE lead_score_counts (
    tenant_id BLOB NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    won INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, field, value),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) WITHOUT ROWID;
