CREATE TABLE cadences (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    object TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    assignee TEXT NOT NULL,
    user_id BLOB,
    working_days_only INTEGER NOT NULL,
    steps TEXT NOT NULL,
    repeat_every_days INTEGER,
    max_rounds INTEGER,
    stop_on_reply INTEGER NOT NULL,
    stop_on_won INTEGER NOT NULL,
    stop_on_lost INTEGER NOT NULL,
    enrol_filter TEXT,
    re_enrol_after_days INTEGER,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX cadences_name_key ON cadences (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX cadences_name ON cadences (tenant_id, name, created_at, id);
CREATE INDEX cadences_created_at ON cadences (tenant_id, created_at, id);
CREATE INDEX cadences_updated_at ON cadences (tenant_id, updated_at, id);
CREATE INDEX cadences_archived_at ON cadences (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE cadence_enrolments (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    cadence_id BLOB NOT NULL,
    lead_id BLOB,
    customer_id BLOB,
    status TEXT NOT NULL,
    stopped_reason TEXT,
    round INTEGER NOT NULL,
    step INTEGER NOT NULL,
    next_step_at INTEGER,
    last_step_at INTEGER,
    ended_at INTEGER,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, cadence_id) REFERENCES cadences (tenant_id, id),
    FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id)
);
-- A record is in the same cadence once at a time.
CREATE UNIQUE INDEX cadence_enrolments_lead_key ON cadence_enrolments (tenant_id, cadence_id, lead_id) WHERE lead_id IS NOT NULL AND ended_at IS NULL;
CREATE UNIQUE INDEX cadence_enrolments_customer_key ON cadence_enrolments (tenant_id, cadence_id, customer_id) WHERE customer_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX cadence_enrolments_cadence_id ON cadence_enrolments (tenant_id, cadence_id, created_at, id);
CREATE INDEX cadence_enrolments_lead_id ON cadence_enrolments (tenant_id, lead_id, created_at, id) WHERE lead_id IS NOT NULL;
CREATE INDEX cadence_enrolments_customer_id ON cadence_enrolments (tenant_id, customer_id, created_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX cadence_enrolments_status ON cadence_enrolments (tenant_id, status, created_at, id);
CREATE INDEX cadence_enrolments_stopped_reason ON cadence_enrolments (tenant_id, stopped_reason, created_at, id) WHERE stopped_reason IS NOT NULL;
CREATE INDEX cadence_enrolments_next_step_at ON cadence_enrolments (tenant_id, next_step_at, created_at, id) WHERE next_step_at IS NOT NULL;
CREATE INDEX cadence_enrolments_ended_at ON cadence_enrolments (tenant_id, ended_at, created_at, id) WHERE ended_at IS NOT NULL;
CREATE INDEX cadence_enrolments_created_at ON cadence_enrolments (tenant_id, created_at, id);
CREATE INDEX cadence_enrolments_updated_at ON cadence_enrolments (tenant_id, updated_at, id);
CREATE INDEX cadence_enrolments_archived_at ON cadence_enrolments (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- Written by Farley alone: SQLite cannot add a key of two columns to a table that is there.
ALTER TABLE tasks ADD COLUMN cadence_enrolment_id BLOB;
CREATE INDEX tasks_cadence_enrolment_id ON tasks (tenant_id, cadence_enrolment_id, created_at, id) WHERE cadence_enrolment_id IS NOT NULL;
