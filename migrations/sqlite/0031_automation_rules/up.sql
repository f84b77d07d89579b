CREATE TABLE automation_rules (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    object TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    active_since INTEGER,
    sort_order INTEGER NOT NULL,
    trigger TEXT NOT NULL,
    filter TEXT,
    actions TEXT NOT NULL,
    last_run_at INTEGER,
    run_count INTEGER NOT NULL,
    failed_count INTEGER NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    rule_id BLOB NOT NULL,
    object TEXT NOT NULL,
    record_id BLOB NOT NULL,
    event_id BLOB,
    event_type TEXT,
    outcome TEXT NOT NULL,
    depth INTEGER NOT NULL,
    changes TEXT NOT NULL,
    problem TEXT,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    object TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    sort_order INTEGER NOT NULL,
    actions TEXT NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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
    tenant_id BLOB NOT NULL PRIMARY KEY REFERENCES tenants (id),
    position INTEGER NOT NULL,
    -- How often what comes next has failed.
    attempts INTEGER NOT NULL
) WITHOUT ROWID;

-- When the active rules of a tenant that wait for time to pass are looked at next.
CREATE TABLE automation_clocks (
    tenant_id BLOB NOT NULL,
    rule_id BLOB NOT NULL,
    next_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, rule_id),
    FOREIGN KEY (tenant_id, rule_id) REFERENCES automation_rules (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX automation_clocks_next_at ON automation_clocks (next_at);

-- How often a rule has acted on a record for one value of the time it counts from, and when it acts again; null: no more.
CREATE TABLE automation_timers (
    tenant_id BLOB NOT NULL,
    rule_id BLOB NOT NULL,
    record_id BLOB NOT NULL,
    since INTEGER NOT NULL,
    count INTEGER NOT NULL,
    next_at INTEGER,
    PRIMARY KEY (tenant_id, rule_id, record_id),
    FOREIGN KEY (tenant_id, rule_id) REFERENCES automation_rules (tenant_id, id)
) WITHOUT ROWID;
