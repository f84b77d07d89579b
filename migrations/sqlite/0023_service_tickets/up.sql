CREATE TABLE queues (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    agent_ids TEXT NOT NULL,
    manager_id BLOB,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, manager_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX queues_name_key ON queues (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX queues_name ON queues (tenant_id, name, created_at, id);
CREATE INDEX queues_created_at ON queues (tenant_id, created_at, id);
CREATE INDEX queues_updated_at ON queues (tenant_id, updated_at, id);
CREATE INDEX queues_archived_at ON queues (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE queue_agents (
    tenant_id BLOB NOT NULL,
    queue_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, user_id, queue_id),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX queue_agents_queue ON queue_agents (tenant_id, queue_id);

CREATE TABLE ticket_categories (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    parent_id BLOB,
    queue_id BLOB,
    description TEXT,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES ticket_categories (tenant_id, id),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id)
);
CREATE INDEX ticket_categories_name ON ticket_categories (tenant_id, name, created_at, id);
CREATE INDEX ticket_categories_parent_id ON ticket_categories (tenant_id, parent_id, created_at, id) WHERE parent_id IS NOT NULL;
CREATE INDEX ticket_categories_created_at ON ticket_categories (tenant_id, created_at, id);
CREATE INDEX ticket_categories_updated_at ON ticket_categories (tenant_id, updated_at, id);
CREATE INDEX ticket_categories_archived_at ON ticket_categories (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE ticket_statuses (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    sort_order INTEGER NOT NULL,
    next_status_ids TEXT NOT NULL,
    required_fields TEXT NOT NULL,
    reopen_days INTEGER,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX ticket_statuses_name_key ON ticket_statuses (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX ticket_statuses_name ON ticket_statuses (tenant_id, name, created_at, id);
CREATE INDEX ticket_statuses_sort_order ON ticket_statuses (tenant_id, sort_order, created_at, id);
CREATE INDEX ticket_statuses_created_at ON ticket_statuses (tenant_id, created_at, id);
CREATE INDEX ticket_statuses_updated_at ON ticket_statuses (tenant_id, updated_at, id);
CREATE INDEX ticket_statuses_archived_at ON ticket_statuses (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE ticket_status_moves (
    tenant_id BLOB NOT NULL,
    status_id BLOB NOT NULL,
    next_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, next_id, status_id),
    FOREIGN KEY (tenant_id, status_id) REFERENCES ticket_statuses (tenant_id, id),
    FOREIGN KEY (tenant_id, next_id) REFERENCES ticket_statuses (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX ticket_status_moves_status ON ticket_status_moves (tenant_id, status_id);

CREATE TABLE sla_policies (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    is_active INTEGER NOT NULL,
    sort_order INTEGER NOT NULL,
    filter TEXT,
    calendar_id BLOB,
    targets TEXT NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars (tenant_id, id)
);
CREATE UNIQUE INDEX sla_policies_name_key ON sla_policies (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX sla_policies_name ON sla_policies (tenant_id, name, created_at, id);
CREATE INDEX sla_policies_calendar_id ON sla_policies (tenant_id, calendar_id, created_at, id) WHERE calendar_id IS NOT NULL;
CREATE INDEX sla_policies_created_at ON sla_policies (tenant_id, created_at, id);
CREATE INDEX sla_policies_updated_at ON sla_policies (tenant_id, updated_at, id);
CREATE INDEX sla_policies_archived_at ON sla_policies (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

CREATE TABLE tickets (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    subject TEXT NOT NULL,
    number TEXT NOT NULL,
    customer_id BLOB,
    contact_id BLOB,
    product_id BLOB,
    opportunity_id BLOB,
    order_reference TEXT,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    priority TEXT NOT NULL,
    category_id BLOB,
    queue_id BLOB,
    status_id BLOB NOT NULL,
    status TEXT NOT NULL,
    status_entered_at INTEGER NOT NULL,
    parent_id BLOB,
    follow_up_of_id BLOB,
    follower_ids TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    cause TEXT,
    solved_at INTEGER,
    first_solved_at INTEGER,
    closed_at INTEGER,
    reopened_at INTEGER,
    reopen_count INTEGER NOT NULL,
    first_responded_at INTEGER,
    last_reply_at INTEGER,
    last_customer_message_at INTEGER,
    waiting_since INTEGER,
    sla_policy_id BLOB,
    sla_policy_version INTEGER,
    sla_calendar_version INTEGER,
    sla_due_at INTEGER,
    sla_breached_at INTEGER,
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
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES products (tenant_id, id),
    FOREIGN KEY (tenant_id, opportunity_id) REFERENCES opportunities (tenant_id, id),
    FOREIGN KEY (tenant_id, category_id) REFERENCES ticket_categories (tenant_id, id),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id),
    FOREIGN KEY (tenant_id, status_id) REFERENCES ticket_statuses (tenant_id, id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, follow_up_of_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, sla_policy_id) REFERENCES sla_policies (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE UNIQUE INDEX tickets_number_key ON tickets (tenant_id, number) WHERE archived_at IS NULL;
CREATE INDEX tickets_number ON tickets (tenant_id, number, created_at, id);
CREATE INDEX tickets_customer_id ON tickets (tenant_id, customer_id, created_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX tickets_contact_id ON tickets (tenant_id, contact_id, created_at, id) WHERE contact_id IS NOT NULL;
CREATE INDEX tickets_product_id ON tickets (tenant_id, product_id, created_at, id) WHERE product_id IS NOT NULL;
CREATE INDEX tickets_opportunity_id ON tickets (tenant_id, opportunity_id, created_at, id) WHERE opportunity_id IS NOT NULL;
CREATE INDEX tickets_order_reference ON tickets (tenant_id, order_reference, created_at, id) WHERE order_reference IS NOT NULL;
CREATE INDEX tickets_channel ON tickets (tenant_id, channel, created_at, id);
CREATE INDEX tickets_kind ON tickets (tenant_id, kind, created_at, id);
CREATE INDEX tickets_priority ON tickets (tenant_id, priority, created_at, id);
CREATE INDEX tickets_category_id ON tickets (tenant_id, category_id, created_at, id) WHERE category_id IS NOT NULL;
CREATE INDEX tickets_queue_id ON tickets (tenant_id, queue_id, created_at, id) WHERE queue_id IS NOT NULL;
CREATE INDEX tickets_status_id ON tickets (tenant_id, status_id, created_at, id);
CREATE INDEX tickets_status ON tickets (tenant_id, status, created_at, id);
CREATE INDEX tickets_parent_id ON tickets (tenant_id, parent_id, created_at, id) WHERE parent_id IS NOT NULL;
CREATE INDEX tickets_follow_up_of_id ON tickets (tenant_id, follow_up_of_id, created_at, id) WHERE follow_up_of_id IS NOT NULL;
CREATE INDEX tickets_opened_at ON tickets (tenant_id, opened_at, created_at, id);
CREATE INDEX tickets_cause ON tickets (tenant_id, cause, created_at, id) WHERE cause IS NOT NULL;
CREATE INDEX tickets_solved_at ON tickets (tenant_id, solved_at, created_at, id) WHERE solved_at IS NOT NULL;
CREATE INDEX tickets_first_solved_at ON tickets (tenant_id, first_solved_at, created_at, id) WHERE first_solved_at IS NOT NULL;
CREATE INDEX tickets_closed_at ON tickets (tenant_id, closed_at, created_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX tickets_first_responded_at ON tickets (tenant_id, first_responded_at, created_at, id) WHERE first_responded_at IS NOT NULL;
CREATE INDEX tickets_last_customer_message_at ON tickets (tenant_id, last_customer_message_at, created_at, id) WHERE last_customer_message_at IS NOT NULL;
CREATE INDEX tickets_waiting_since ON tickets (tenant_id, waiting_since, created_at, id) WHERE waiting_since IS NOT NULL;
CREATE INDEX tickets_sla_policy_id ON tickets (tenant_id, sla_policy_id, created_at, id) WHERE sla_policy_id IS NOT NULL;
CREATE INDEX tickets_sla_due_at ON tickets (tenant_id, sla_due_at, created_at, id) WHERE sla_due_at IS NOT NULL;
CREATE INDEX tickets_sla_breached_at ON tickets (tenant_id, sla_breached_at, created_at, id) WHERE sla_breached_at IS NOT NULL;
CREATE INDEX tickets_owner_id ON tickets (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL;
CREATE INDEX tickets_team_id ON tickets (tenant_id, team_id, created_at, id) WHERE team_id IS NOT NULL;
CREATE INDEX tickets_created_at ON tickets (tenant_id, created_at, id);
CREATE INDEX tickets_updated_at ON tickets (tenant_id, updated_at, id);
CREATE INDEX tickets_archived_at ON tickets (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;
-- The next ticket out of a queue.
CREATE INDEX tickets_waiting ON tickets (tenant_id, queue_id, priority, sla_due_at, opened_at, id) WHERE owner_id IS NULL AND archived_at IS NULL;

CREATE TABLE ticket_followers (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, user_id, ticket_id),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX ticket_followers_ticket ON ticket_followers (tenant_id, ticket_id);

CREATE TABLE ticket_ledger (
    tenant_id BLOB NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    id BLOB NOT NULL,
    until INTEGER,
    user_id BLOB,
    status_id BLOB NOT NULL,
    status TEXT NOT NULL,
    status_entered_at INTEGER NOT NULL,
    priority TEXT NOT NULL,
    category_id BLOB,
    queue_id BLOB,
    owner_id BLOB,
    team_id BLOB,
    solved_at INTEGER,
    closed_at INTEGER,
    first_responded_at INTEGER,
    former_step BLOB,
    former_seconds INTEGER,
    PRIMARY KEY (tenant_id, record_id, at),
    CHECK (until > at),
    FOREIGN KEY (tenant_id, record_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, record_id, until) REFERENCES ticket_ledger (tenant_id, record_id, at) DEFERRABLE INITIALLY DEFERRED
) WITHOUT ROWID;
CREATE UNIQUE INDEX ticket_ledger_end ON ticket_ledger (tenant_id, record_id, COALESCE(until, 9223372036854775807));

CREATE TABLE ticket_messages (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    ticket_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT,
    contact_id BLOB,
    channel TEXT,
    channel_message_id TEXT,
    reply_to_id BLOB,
    status_id BLOB,
    sent_at INTEGER NOT NULL,
    external_ids TEXT NOT NULL,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts (tenant_id, id),
    FOREIGN KEY (tenant_id, reply_to_id) REFERENCES ticket_messages (tenant_id, id),
    FOREIGN KEY (tenant_id, status_id) REFERENCES ticket_statuses (tenant_id, id)
);
CREATE UNIQUE INDEX ticket_messages_channel_key ON ticket_messages (tenant_id, channel_message_id) WHERE archived_at IS NULL AND channel_message_id IS NOT NULL;
CREATE INDEX ticket_messages_ticket_id ON ticket_messages (tenant_id, ticket_id, created_at, id);
CREATE INDEX ticket_messages_contact_id ON ticket_messages (tenant_id, contact_id, created_at, id) WHERE contact_id IS NOT NULL;
CREATE INDEX ticket_messages_channel_message_id ON ticket_messages (tenant_id, channel_message_id, created_at, id) WHERE channel_message_id IS NOT NULL;
CREATE INDEX ticket_messages_sent_at ON ticket_messages (tenant_id, sent_at, created_at, id);
CREATE INDEX ticket_messages_created_at ON ticket_messages (tenant_id, created_at, id);
CREATE INDEX ticket_messages_updated_at ON ticket_messages (tenant_id, updated_at, id);
CREATE INDEX ticket_messages_archived_at ON ticket_messages (tenant_id, created_at, id) WHERE archived_at IS NOT NULL;

-- What was promised by one version of a policy and of its calendar; never changed.
CREATE TABLE sla_promises (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    policy_id BLOB NOT NULL,
    policy_version INTEGER NOT NULL,
    calendar_id BLOB,
    -- 0 where there is no calendar.
    calendar_version INTEGER NOT NULL,
    promise TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, policy_id, policy_version, calendar_version),
    FOREIGN KEY (tenant_id, policy_id) REFERENCES sla_policies (tenant_id, id),
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars (tenant_id, id)
);

-- The clocks of tickets: what each has counted until its present phase, and when the next event of it is due.
CREATE TABLE ticket_clocks (
    tenant_id BLOB NOT NULL,
    ticket_id BLOB NOT NULL,
    clock TEXT NOT NULL,
    cycle INTEGER NOT NULL,
    promise_id BLOB NOT NULL,
    priority TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    -- Milliseconds.
    length INTEGER NOT NULL,
    elapsed INTEGER NOT NULL,
    phase TEXT NOT NULL,
    phase_at INTEGER NOT NULL,
    due_at INTEGER,
    breached_at INTEGER,
    -- Of what an event has told: 0 of nothing, 1 of the warning, 2 of the breach.
    told INTEGER NOT NULL,
    fires_at INTEGER,
    is_open INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, clock, cycle),
    -- The clocks of a new ticket are written before it.
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (tenant_id, promise_id) REFERENCES sla_promises (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX ticket_clocks_fires_at ON ticket_clocks (fires_at, tenant_id, ticket_id) WHERE fires_at IS NOT NULL;

-- The objects that the roles of a tenant know of, and whose first records it has.
CREATE TABLE known_objects (
    tenant_id BLOB NOT NULL,
    object TEXT NOT NULL,
    PRIMARY KEY (tenant_id, object),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
) WITHOUT ROWID;
INSERT INTO known_objects (tenant_id, object)
SELECT tenants.id, objects.name FROM tenants CROSS JOIN (
    SELECT 'customer' AS name
    UNION ALL SELECT 'contact'
    UNION ALL SELECT 'lead'
    UNION ALL SELECT 'pool'
    UNION ALL SELECT 'lead_form'
    UNION ALL SELECT 'assignment_rule'
    UNION ALL SELECT 'work_schedule'
    UNION ALL SELECT 'scoring_rule'
    UNION ALL SELECT 'cadence'
    UNION ALL SELECT 'cadence_enrolment'
    UNION ALL SELECT 'activity'
    UNION ALL SELECT 'task'
    UNION ALL SELECT 'notification'
    UNION ALL SELECT 'opportunity'
    UNION ALL SELECT 'line_item'
    UNION ALL SELECT 'pipeline'
    UNION ALL SELECT 'stage'
    UNION ALL SELECT 'quota'
    UNION ALL SELECT 'forecast_override'
    UNION ALL SELECT 'product'
    UNION ALL SELECT 'campaign'
    UNION ALL SELECT 'tag'
    UNION ALL SELECT 'user'
    UNION ALL SELECT 'team'
    UNION ALL SELECT 'role'
    UNION ALL SELECT 'api_key'
    UNION ALL SELECT 'custom_field'
    UNION ALL SELECT 'import'
) objects;
