DROP INDEX stages_pipeline_id;
CREATE INDEX stages_pipeline_id ON stages (tenant_id, pipeline_id, created_at, id);
ALTER TABLE stages ALTER COLUMN sort_order DROP NOT NULL;
