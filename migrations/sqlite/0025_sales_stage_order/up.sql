-- Every stage has a place in its pipeline, and stages are listed in the order of their board. One without a place goes to the end, as a
-- new one would.
ALTER TABLE stages ADD COLUMN place INTEGER NOT NULL DEFAULT 1000;
UPDATE stages SET place = sort_order WHERE sort_order IS NOT NULL;
ALTER TABLE stages DROP COLUMN sort_order;
ALTER TABLE stages RENAME COLUMN place TO sort_order;
DROP INDEX stages_pipeline_id;
CREATE INDEX stages_pipeline_id ON stages (tenant_id, pipeline_id, sort_order, id);
