CREATE TABLE surveys (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    question TEXT NOT NULL,
    comment_question TEXT,
    page_url TEXT,
    sends_mail INTEGER NOT NULL,
    valid_days INTEGER NOT NULL,
    change_days INTEGER NOT NULL,
    rest_days INTEGER NOT NULL,
    low_score INTEGER,
    follow_up_minutes INTEGER,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX surveys_name_key ON surveys (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX surveys_name ON surveys (tenant_id, name, created_at, id);
CREATE INDEX surveys_created_at ON surveys (tenant_id, created_at, id);
CREATE INDEX surveys_updated_at ON surveys (tenant_id, updated_at, id);
CREATE INDEX surveys_archived_at ON surveys (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE survey_responses (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    survey_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    ticket_id BLOB NOT NULL,
    contact_id BLOB,
    customer_id BLOB,
    agent_id BLOB,
    language TEXT,
    asked_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    mailed_at INTEGER,
    answered_at INTEGER,
    changeable_until INTEGER,
    score INTEGER,
    change_count INTEGER NOT NULL,
    follow_up_task_id BLOB,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
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

ALTER TABLE tickets ADD COLUMN satisfaction_kind TEXT;
ALTER TABLE tickets ADD COLUMN satisfaction_score INTEGER;
ALTER TABLE tickets ADD COLUMN satisfaction_at INTEGER;
CREATE INDEX tickets_satisfaction_score ON tickets (tenant_id, satisfaction_score, created_at, id) WHERE satisfaction_score IS NOT NULL;
