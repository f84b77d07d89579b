CREATE TABLE cadences (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    object text COLLATE "C" NOT NULL,
    is_active boolean NOT NULL,
    assignee text COLLATE "C" NOT NULL,
    user_id uuid,
    working_days_only boolean NOT NULL,
    steps json NOT NULL,
    repeat_every_days bigint,
    max_rounds bigint,
    stop_on_reply boolean NOT NULL,
    stop_on_won boolean NOT NULL,
    stop_on_lost boolean NOT NULL,
    enrol_filter json,
    re_enrol_after_days bigint,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    cadence_id uuid NOT NULL,
    lead_id uuid,
    customer_id uuid,
    status text COLLATE "C" NOT NULL,
    stopped_reason text COLLATE "C",
    round bigint NOT NULL,
    step bigint NOT NULL,
    next_step_at timestamptz,
    last_step_at timestamptz,
    ended_at timestamptz,
    details json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
ALTER TABLE tasks ADD COLUMN cadence_enrolment_id uuid;
CREATE INDEX tasks_cadence_enrolment_id ON tasks (tenant_id, cadence_enrolment_id, created_at, id) WHERE cadence_enrolment_id IS NOT NULL;
