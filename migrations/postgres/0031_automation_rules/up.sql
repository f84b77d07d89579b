CREATE TABLE automation_rules (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    object text COLLATE "C" NOT NULL,
    is_active boolean NOT NULL,
    active_since timestamptz,
    sort_order bigint NOT NULL,
    trigger json NOT NULL,
    filter json,
    actions json NOT NULL,
    last_run_at timestamptz,
    run_count bigint NOT NULL,
    failed_count bigint NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX automation_rules_name_key ON automation_rules (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX automation_rules_name ON automation_rules (tenant_id, name, sort_order, created_at, id);
CREATE INDEX automation_rules_object ON automation_rules (tenant_id, object, sort_order, created_at, id);
CREATE INDEX automation_rules_sort_order ON automation_rules (tenant_id, sort_order, created_at, id);
CREATE INDEX automation_rules_created_at ON automation_rules (tenant_id, created_at, id);
CREATE INDEX automation_rules_updated_at ON automation_rules (tenant_id, updated_at, id);
CREATE INDEX automation_rules_archived_at ON automation_rules (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE automation_runs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    rule_id uuid NOT NULL,
    object text COLLATE "C" NOT NULL,
    record_id uuid NOT NULL,
    event_id uuid,
    event_type text COLLATE "C",
    outcome text COLLATE "C" NOT NULL,
    depth bigint NOT NULL,
    changes json NOT NULL,
    problem json,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, rule_id) REFERENCES automation_rules (tenant_id, id)
);
CREATE INDEX automation_runs_rule_id ON automation_runs (tenant_id, rule_id, created_at, id);
CREATE INDEX automation_runs_record_id ON automation_runs (tenant_id, record_id, created_at, id);
CREATE INDEX automation_runs_outcome ON automation_runs (tenant_id, outcome, created_at, id);
CREATE INDEX automation_runs_created_at ON automation_runs (tenant_id, created_at, id);
CREATE INDEX automation_runs_updated_at ON automation_runs (tenant_id, updated_at, id);
CREATE INDEX automation_runs_archived_at ON automation_runs (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE automation_macros (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    object text COLLATE "C" NOT NULL,
    is_active boolean NOT NULL,
    sort_order bigint NOT NULL,
    actions json NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX automation_macros_name_key ON automation_macros (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX automation_macros_name ON automation_macros (tenant_id, name, sort_order, created_at, id);
CREATE INDEX automation_macros_object ON automation_macros (tenant_id, object, sort_order, created_at, id);
CREATE INDEX automation_macros_sort_order ON automation_macros (tenant_id, sort_order, created_at, id);
CREATE INDEX automation_macros_created_at ON automation_macros (tenant_id, created_at, id);
CREATE INDEX automation_macros_updated_at ON automation_macros (tenant_id, updated_at, id);
CREATE INDEX automation_macros_archived_at ON automation_macros (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- How far the rules of a tenant have come in its event log; a tenant without active rules on events has no row.
CREATE TABLE automation_cursors (
    tenant_id uuid NOT NULL PRIMARY KEY REFERENCES tenants (id),
    position bigint NOT NULL,
    -- How often what comes next has failed.
    attempts bigint NOT NULL
);

-- When the active rules of a tenant that wait for time to pass are looked at next.
CREATE TABLE automation_clocks (
    tenant_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    next_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, rule_id),
    FOREIGN KEY (tenant_id, rule_id) REFERENCES automation_rules (tenant_id, id)
);
CREATE INDEX automation_clocks_next_at ON automation_clocks (next_at);

-- How often a rule has acted on a record for one value of the time it counts from, and when it acts again; null: no more.
CREATE TABLE automation_timers (
    tenant_id uuid NOT NULL,
    rule_id uuid NOT NULL,
    record_id uuid NOT NULL,
    since timestamptz NOT NULL,
    count bigint NOT NULL,
    next_at timestamptz,
    PRIMARY KEY (tenant_id, rule_id, record_id),
    FOREIGN KEY (tenant_id, rule_id) REFERENCES automation_rules (tenant_id, id)
);
