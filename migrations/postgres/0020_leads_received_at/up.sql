-- When a lead came: those of another system came before they were entered here.
ALTER TABLE leads ADD COLUMN received_at timestamptz;
UPDATE leads SET received_at = created_at;
CREATE INDEX leads_received_at ON leads (tenant_id, received_at, id);
