-- Queues give their tickets to agents by skills, capacity and turn.
ALTER TABLE queues ADD COLUMN assignment text COLLATE "C" NOT NULL DEFAULT 'pull';
ALTER TABLE queues ADD COLUMN prefers_last_agent boolean NOT NULL DEFAULT false;
ALTER TABLE queues ADD COLUMN respects_hours boolean NOT NULL DEFAULT true;
ALTER TABLE queues ADD COLUMN ticket_capacity bigint;
CREATE INDEX queues_assignment ON queues (tenant_id, assignment, created_at, id);
ALTER TABLE users ADD COLUMN skills json NOT NULL DEFAULT '[]';
ALTER TABLE users ADD COLUMN ticket_capacity bigint;
ALTER TABLE tickets ADD COLUMN queue_entered_at timestamptz;
-- When it came to the queue that it is in, nobody has kept.
UPDATE tickets SET queue_entered_at = opened_at WHERE queue_id IS NOT NULL;
CREATE INDEX tickets_queue_entered_at ON tickets (tenant_id, queue_entered_at, created_at, id) WHERE queue_entered_at IS NOT NULL;
