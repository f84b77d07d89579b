-- The stages that opportunities have been in, one opportunity after the other, without reading the ledger itself: for funnels.
CREATE INDEX opportunity_ledger_stages ON opportunity_ledger (tenant_id, record_id, stage_id, former_step, former_seconds);
DROP INDEX opportunity_ledger_entered;
-- The totals of a board, out of the index alone on both engines.
DROP INDEX opportunities_board;
CREATE INDEX opportunities_board ON opportunities (tenant_id, pipeline_id, stage_id, amount_currency, amount, probability, status, archived_at) WHERE archived_at IS NULL AND status = 'open';
