-- The lists of an agent's day: mine, unassigned, due next, breached.
CREATE INDEX tickets_mine ON tickets (tenant_id, owner_id, created_at, id) WHERE owner_id IS NOT NULL AND solved_at IS NULL AND archived_at IS NULL;
CREATE INDEX tickets_mine_due ON tickets (tenant_id, owner_id, sla_due_at, id) WHERE owner_id IS NOT NULL AND sla_due_at IS NOT NULL AND archived_at IS NULL;
CREATE INDEX tickets_unassigned ON tickets (tenant_id, created_at, id) WHERE owner_id IS NULL AND solved_at IS NULL AND archived_at IS NULL;
CREATE INDEX tickets_breached ON tickets (tenant_id, sla_breached_at, id) WHERE sla_breached_at IS NOT NULL AND solved_at IS NULL AND archived_at IS NULL;
CREATE INDEX tickets_unassigned_in_queue ON tickets (tenant_id, queue_id, created_at, id) WHERE owner_id IS NULL AND solved_at IS NULL AND archived_at IS NULL;
