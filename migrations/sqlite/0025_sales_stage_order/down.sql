DROP INDEX stages_pipeline_id;
ALTER TABLE stages ADD COLUMN place INTEGER;
UPDATE stages SET place = sort_order;
ALTER TABLE stages DROP COLUMN sort_order;
ALTER TABLE stages RENAME COLUMN place TO sort_order;
CREATE INDEX stages_pipeline_id ON stages (tenant_id, pipeline_id, created_at, id);
