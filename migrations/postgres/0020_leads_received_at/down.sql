DROP INDEX leads_received_at;
ALTER TABLE leads DROP COLUMN received_at;
