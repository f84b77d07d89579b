CREATE TABLE queues (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    agent_ids json NOT NULL,
    manager_id uuid,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    queue_id uuid NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, user_id, queue_id),
    FOREIGN KEY (tenant_id, queue_id) REFERENCES queues (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX queue_agents_queue ON queue_agents (tenant_id, queue_id);

CREATE TABLE ticket_categories (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    parent_id uuid,
    queue_id uuid,
    description text COLLATE "C",
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    sort_order bigint NOT NULL,
    next_status_ids json NOT NULL,
    required_fields json NOT NULL,
    reopen_days bigint,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    status_id uuid NOT NULL,
    next_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, next_id, status_id),
    FOREIGN KEY (tenant_id, status_id) REFERENCES ticket_statuses (tenant_id, id),
    FOREIGN KEY (tenant_id, next_id) REFERENCES ticket_statuses (tenant_id, id)
);
CREATE INDEX ticket_status_moves_status ON ticket_status_moves (tenant_id, status_id);

CREATE TABLE sla_policies (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    is_active boolean NOT NULL,
    sort_order bigint NOT NULL,
    filter json,
    calendar_id uuid,
    targets json NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    subject text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL,
    customer_id uuid,
    contact_id uuid,
    product_id uuid,
    opportunity_id uuid,
    order_reference text COLLATE "C",
    channel text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    priority text COLLATE "C" NOT NULL,
    category_id uuid,
    queue_id uuid,
    status_id uuid NOT NULL,
    status text COLLATE "C" NOT NULL,
    status_entered_at timestamptz NOT NULL,
    parent_id uuid,
    follow_up_of_id uuid,
    follower_ids json NOT NULL,
    opened_at timestamptz NOT NULL,
    cause text COLLATE "C",
    solved_at timestamptz,
    first_solved_at timestamptz,
    closed_at timestamptz,
    reopened_at timestamptz,
    reopen_count bigint NOT NULL,
    first_responded_at timestamptz,
    last_reply_at timestamptz,
    last_customer_message_at timestamptz,
    waiting_since timestamptz,
    sla_policy_id uuid,
    sla_policy_version bigint,
    sla_calendar_version bigint,
    sla_due_at timestamptz,
    sla_breached_at timestamptz,
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
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    user_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, user_id, ticket_id),
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX ticket_followers_ticket ON ticket_followers (tenant_id, ticket_id);

CREATE TABLE ticket_ledger (
    tenant_id uuid NOT NULL,
    record_id uuid NOT NULL,
    at timestamptz NOT NULL,
    id uuid NOT NULL,
    until timestamptz,
    user_id uuid,
    status_id uuid NOT NULL,
    status text COLLATE "C" NOT NULL,
    status_entered_at timestamptz NOT NULL,
    priority text COLLATE "C" NOT NULL,
    category_id uuid,
    queue_id uuid,
    owner_id uuid,
    team_id uuid,
    solved_at timestamptz,
    closed_at timestamptz,
    first_responded_at timestamptz,
    former_step uuid,
    former_seconds bigint,
    PRIMARY KEY (tenant_id, record_id, at),
    CONSTRAINT ticket_ledger_lasts CHECK (until > at),
    FOREIGN KEY (tenant_id, record_id) REFERENCES tickets (tenant_id, id),
    CONSTRAINT ticket_ledger_next FOREIGN KEY (tenant_id, record_id, until) REFERENCES ticket_ledger (tenant_id, record_id, at) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX ticket_ledger_end ON ticket_ledger (tenant_id, record_id, until) NULLS NOT DISTINCT;

CREATE TABLE ticket_messages (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    ticket_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    subject text COLLATE "C",
    contact_id uuid,
    channel text COLLATE "C",
    channel_message_id text COLLATE "C",
    reply_to_id uuid,
    status_id uuid,
    sent_at timestamptz NOT NULL,
    external_ids json NOT NULL,
    details json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    policy_id uuid NOT NULL,
    policy_version bigint NOT NULL,
    calendar_id uuid,
    -- 0 where there is no calendar.
    calendar_version bigint NOT NULL,
    promise json NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, policy_id, policy_version, calendar_version),
    FOREIGN KEY (tenant_id, policy_id) REFERENCES sla_policies (tenant_id, id),
    FOREIGN KEY (tenant_id, calendar_id) REFERENCES calendars (tenant_id, id)
);

-- The clocks of tickets: what each has counted until its present phase, and when the next event of it is due.
CREATE TABLE ticket_clocks (
    tenant_id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    clock text COLLATE "C" NOT NULL,
    cycle bigint NOT NULL,
    promise_id uuid NOT NULL,
    priority text COLLATE "C" NOT NULL,
    started_at timestamptz NOT NULL,
    -- Milliseconds.
    length bigint NOT NULL,
    elapsed bigint NOT NULL,
    phase text COLLATE "C" NOT NULL,
    phase_at timestamptz NOT NULL,
    due_at timestamptz,
    breached_at timestamptz,
    -- Of what an event has told: 0 of nothing, 1 of the warning, 2 of the breach.
    told bigint NOT NULL,
    fires_at timestamptz,
    is_open boolean NOT NULL,
    PRIMARY KEY (tenant_id, ticket_id, clock, cycle),
    -- The clocks of a new ticket are written before it.
    FOREIGN KEY (tenant_id, ticket_id) REFERENCES tickets (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (tenant_id, promise_id) REFERENCES sla_promises (tenant_id, id)
);
CREATE INDEX ticket_clocks_fires_at ON ticket_clocks (fires_at, tenant_id, ticket_id) WHERE fires_at IS NOT NULL;

-- The objects that the roles of a tenant know of, and whose first records it has.
CREATE TABLE known_objects (
    tenant_id uuid NOT NULL,
    object text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, object),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
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
