DROP INDEX opportunities_board;
CREATE INDEX opportunities_board ON opportunities (tenant_id, pipeline_id, stage_id, amount_currency, amount, probability) WHERE archived_at IS NULL AND status = 'open';
CREATE INDEX opportunity_ledger_entered ON opportunity_ledger (tenant_id, pipeline_id, at, record_id, stage_id, former_step, former_seconds) WHERE at = stage_entered_at;
DROP INDEX opportunity_ledger_stages;
