-- The stages that opportunities have been in, one opportunity after the other, without reading the ledger itself: for funnels.
CREATE INDEX opportunity_ledger_stages ON opportunity_ledger (tenant_id, record_id, stage_id, former_step, former_seconds);
DROP INDEX opportunity_ledger_entered;
