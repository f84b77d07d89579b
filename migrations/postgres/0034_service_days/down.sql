DROP INDEX tickets_unassigned_in_queue;
DROP INDEX tickets_breached;
DROP INDEX tickets_unassigned;
DROP INDEX tickets_mine_due;
DROP INDEX tickets_mine;
