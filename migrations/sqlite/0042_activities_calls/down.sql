DROP INDEX activities_ticket_id;
DROP INDEX activities_caller_number;
DROP INDEX activities_called_number;
DROP INDEX activities_call_outcome;
ALTER TABLE activities DROP COLUMN ticket_id;
ALTER TABLE activities DROP COLUMN caller_number;
ALTER TABLE activities DROP COLUMN called_number;
ALTER TABLE activities DROP COLUMN call_outcome;
