-- Queues give their tickets to agents by skills, capacity and turn.
ALTER TABLE queues ADD COLUMN assignment TEXT NOT NULL DEFAULT 'pull';
ALTER TABLE queues ADD COLUMN prefers_last_agent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN respects_hours INTEGER NOT NULL DEFAULT 1;
ALTER TABLE queues ADD COLUMN ticket_capacity INTEGER;
CREATE INDEX queues_assignment ON queues (tenant_id, assignment, created_at, id);
ALTER TABLE users ADD COLUMN skills TEXT NOT NULL DEFAULT '[]';
ALTER TABLE users ADD COLUMN ticket_capacity INTEGER;
ALTER TABLE tickets ADD COLUMN queue_entered_at INTEGER;
-- When it came to the queue that it is in, nobody has kept.
UPDATE tickets SET queue_entered_at = opened_at WHERE queue_id IS NOT NULL;
CREATE INDEX tickets_queue_entered_at ON tickets (tenant_id, queue_entered_at, created_at, id) WHERE queue_entered_at IS NOT NULL;
