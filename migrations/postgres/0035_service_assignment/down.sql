DROP INDEX tickets_queue_entered_at;
ALTER TABLE tickets DROP COLUMN queue_entered_at;
ALTER TABLE users DROP COLUMN ticket_capacity;
ALTER TABLE users DROP COLUMN skills;
DROP INDEX queues_assignment;
ALTER TABLE queues DROP COLUMN ticket_capacity;
ALTER TABLE queues DROP COLUMN respects_hours;
ALTER TABLE queues DROP COLUMN prefers_last_agent;
ALTER TABLE queues DROP COLUMN assignment;
