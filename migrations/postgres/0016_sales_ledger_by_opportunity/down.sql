CREATE INDEX opportunity_ledger_entered ON opportunity_ledger (tenant_id, pipeline_id, at, record_id, stage_id, former_step, former_seconds) WHERE at = stage_entered_at;
DROP INDEX opportunity_ledger_stages;
