ALTER TABLE ticket_ledger DROP COLUMN customer_id;
ALTER TABLE ticket_ledger DROP COLUMN kind;
ALTER TABLE ticket_ledger DROP COLUMN channel;
ALTER TABLE tickets DROP COLUMN sla_outcomes;
