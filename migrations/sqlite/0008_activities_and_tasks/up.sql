CREATE TABLE activities (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    ends_at INTEGER,
    status TEXT NOT NULL,
    customer_id BLOB,
    contact_id BLOB,
    opportunity_id BLOB,
    lead_id BLOB,
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
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunities (tenant_id, id)
);
CREATE INDEX activities_kind ON activities (tenant_id, kind, occurred_at, id);
CREATE INDEX activities_occurred_at ON activities (tenant_id, occurred_at, id);
CREATE INDEX activities_status ON activities (tenant_id, status, occurred_at, id);
CREATE INDEX activities_customer_id ON activities (tenant_id, customer_id, occurred_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX activities_contact_id ON activities (tenant_id, contact_id, occurred_at, id) WHERE contact_id IS NOT NULL;
CREATE INDEX activities_opportunity_id ON activities (tenant_id, opportunity_id, occurred_at, id) WHERE opportunity_id IS NOT NULL;
CREATE INDEX activities_lead_id ON activities (tenant_id, lead_id, occurred_at, id) WHERE lead_id IS NOT NULL;
CREATE INDEX activities_owner_id ON activities (tenant_id, owner_id, occurred_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX activities_team_id ON activities (tenant_id, team_id, occurred_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX activities_created_at ON activities (tenant_id, created_at, id);
CREATE INDEX activities_updated_at ON activities (tenant_id, updated_at, id);
CREATE INDEX activities_archived_at ON activities (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE tasks (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    subject TEXT NOT NULL,
    due_at INTEGER,
    priority TEXT NOT NULL,
    status TEXT NOT NULL,
    reminder_at INTEGER,
    depends_on_id BLOB,
    completed_at INTEGER,
    customer_id BLOB,
    contact_id BLOB,
    opportunity_id BLOB,
    lead_id BLOB,
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
    due_noted_at INTEGER,
    reminded_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunities (tenant_id, id),
    FOREIGN KEY (tenant_id, depends_on_id) REFERENCES tasks (tenant_id, id)
);
CREATE INDEX tasks_status ON tasks (tenant_id, status, created_at, id);
CREATE INDEX tasks_due_at ON tasks (tenant_id, due_at, created_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX tasks_reminder_at ON tasks (tenant_id, reminder_at, created_at, id) WHERE reminder_at IS NOT NULL;
CREATE INDEX tasks_depends_on_id ON tasks (tenant_id, depends_on_id, created_at, id) WHERE depends_on_id IS NOT NULL;
CREATE INDEX tasks_completed_at ON tasks (tenant_id, completed_at, created_at, id) WHERE completed_at IS NOT NULL;
CREATE INDEX tasks_customer_id ON tasks (tenant_id, customer_id, created_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX tasks_contact_id ON tasks (tenant_id, contact_id, created_at, id) WHERE contact_id IS NOT NULL;
CREATE INDEX tasks_opportunity_id ON tasks (tenant_id, opportunity_id, created_at, id) WHERE opportunity_id IS NOT NULL;
CREATE INDEX tasks_lead_id ON tasks (tenant_id, lead_id, created_at, id) WHERE lead_id IS NOT NULL;
CREATE INDEX tasks_owner_id ON tasks (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX tasks_team_id ON tasks (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX tasks_created_at ON tasks (tenant_id, created_at, id);
CREATE INDEX tasks_updated_at ON tasks (tenant_id, updated_at, id);
CREATE INDEX tasks_archived_at ON tasks (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
-- What reminders look for.
CREATE INDEX tasks_to_note ON tasks (tenant_id, due_at) WHERE status = 'open' AND archived_at IS NULL;
CREATE INDEX tasks_to_remind ON tasks (tenant_id, reminder_at) WHERE status = 'open' AND archived_at IS NULL;

-- Which records activities and tasks concern: records of any kind on both sides.
CREATE TABLE concerned_records (
    tenant_id BLOB NOT NULL,
    record_id BLOB NOT NULL,
    target_id BLOB NOT NULL,
    object TEXT NOT NULL,
    PRIMARY KEY (tenant_id, target_id, object, record_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) WITHOUT ROWID;
CREATE INDEX concerned_records_record ON concerned_records (tenant_id, record_id);

CREATE TABLE notifications (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    user_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    record_id BLOB NOT NULL,
    title TEXT,
    actor_id BLOB,
    read_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, actor_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX notifications_user_id ON notifications (tenant_id, user_id, created_at, id);
CREATE INDEX notifications_unread ON notifications (tenant_id, user_id) WHERE read_at IS NULL AND archived_at IS NULL;
CREATE INDEX notifications_created_at ON notifications (tenant_id, created_at, id);
CREATE INDEX notifications_updated_at ON notifications (tenant_id, updated_at, id);
CREATE INDEX notifications_archived_at ON notifications (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE notification_preferences (
    tenant_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    preferences TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) WITHOUT ROWID;

-- Secret addresses of calendars, one a user.
CREATE TABLE calendar_feeds (
    tenant_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    token_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX calendar_feeds_token_hash ON calendar_feeds (token_hash);

-- Tables stay narrow: what is rarely asked for goes into the details.
UPDATE customers SET details = json_set(details, '$.employee_count', employee_count) WHERE employee_count IS NOT NULL;
ALTER TABLE customers DROP COLUMN employee_count;

ALTER TABLE customers ADD COLUMN last_activity_at INTEGER;
CREATE INDEX customers_last_activity_at ON customers (tenant_id, last_activity_at, created_at, id) WHERE last_activity_at IS NOT NULL;
ALTER TABLE customers ADD COLUMN next_task_at INTEGER;
CREATE INDEX customers_next_task_at ON customers (tenant_id, next_task_at, created_at, id) WHERE next_task_at IS NOT NULL;
ALTER TABLE contacts ADD COLUMN last_activity_at INTEGER;
CREATE INDEX contacts_last_activity_at ON contacts (tenant_id, last_activity_at, created_at, id) WHERE last_activity_at IS NOT NULL;
ALTER TABLE contacts ADD COLUMN next_task_at INTEGER;
CREATE INDEX contacts_next_task_at ON contacts (tenant_id, next_task_at, created_at, id) WHERE next_task_at IS NOT NULL;
