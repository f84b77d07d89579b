CREATE TABLE surveys (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    is_active boolean NOT NULL,
    question json NOT NULL,
    comment_question json,
    page_url text COLLATE "C",
    sends_mail boolean NOT NULL,
    valid_days bigint NOT NULL,
    change_days bigint NOT NULL,
    rest_days bigint NOT NULL,
    low_score bigint,
    follow_up_minutes bigint,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX surveys_name_key ON surveys (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX surveys_name ON surveys (tenant_id, name, created_at, id);
CREATE INDEX surveys_created_at ON surveys (tenant_id, created_at, id);
CREATE INDEX surveys_updated_at ON surveys (tenant_id, updated_at, id);
CREATE INDEX surveys_archived_at ON surveys (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE survey_responses (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    survey_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    ticket_id uuid NOT NULL,
    contact_id uuid,
    customer_id uuid,
    agent_id uuid,
    language text COLLATE "C",
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    mailed_at timestamptz,
    answered_at timestamptz,
    changeable_until timestamptz,
    score bigint,
    change_count bigint NOT NULL,
    follow_up_task_id uuid,
    details json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, survey_id) REFERENCES surveys (tenant_id, id),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, follow_up_task_id) REFERENCES tasks (tenant_id, id)
);
CREATE INDEX survey_responses_survey_id ON survey_responses (tenant_id, survey_id, created_at, id);
CREATE INDEX survey_responses_kind ON survey_responses (tenant_id, kind, created_at, id);
CREATE INDEX survey_responses_ticket_id ON survey_responses (tenant_id, ticket_id, created_at, id);
CREATE INDEX survey_responses_contact_id ON survey_responses (tenant_id, contact_id, created_at, id) WHERE contact_id IS NOT NULL;
CREATE INDEX survey_responses_customer_id ON survey_responses (tenant_id, customer_id, created_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX survey_responses_agent_id ON survey_responses (tenant_id, agent_id, created_at, id) WHERE agent_id IS NOT NULL;
CREATE INDEX survey_responses_asked_at ON survey_responses (tenant_id, asked_at, created_at, id);
CREATE INDEX survey_responses_answered_at ON survey_responses (tenant_id, answered_at, created_at, id) WHERE answered_at IS NOT NULL;
CREATE INDEX survey_responses_score ON survey_responses (tenant_id, score, created_at, id) WHERE score IS NOT NULL;
CREATE INDEX survey_responses_created_at ON survey_responses (tenant_id, created_at, id);
CREATE INDEX survey_responses_updated_at ON survey_responses (tenant_id, updated_at, id);
CREATE INDEX survey_responses_archived_at ON survey_responses (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

ALTER TABLE tickets ADD COLUMN satisfaction_kind text COLLATE "C";
ALTER TABLE tickets ADD COLUMN satisfaction_score bigint;
ALTER TABLE tickets ADD COLUMN satisfaction_at timestamptz;
CREATE INDEX tickets_satisfaction_score ON tickets (tenant_id, satisfaction_score, created_at, id) WHERE satisfaction_score IS NOT NULL;
