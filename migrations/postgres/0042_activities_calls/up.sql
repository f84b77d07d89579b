ALTER TABLE activities ADD COLUMN ticket_id uuid;
ALTER TABLE activities ADD COLUMN caller_number text COLLATE "C";
ALTER TABLE activities ADD COLUMN called_number text COLLATE "C";
ALTER TABLE activities ADD COLUMN call_outcome text COLLATE "C";
CREATE INDEX activities_ticket_id ON activities (tenant_id, ticket_id, occurred_at, id) WHERE ticket_id IS NOT NULL;
CREATE INDEX activities_caller_number ON activities (tenant_id, caller_number, occurred_at, id) WHERE caller_number IS NOT NULL;
CREATE INDEX activities_called_number ON activities (tenant_id, called_number, occurred_at, id) WHERE called_number IS NOT NULL;
CREATE INDEX activities_call_outcome ON activities (tenant_id, call_outcome, occurred_at, id) WHERE call_outcome IS NOT NULL;
