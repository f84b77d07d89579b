-- Every stage has a place in its pipeline, and stages are listed in the order of their board. One without a place goes to the end, as a
-- new one would.
UPDATE stages SET sort_order = 1000 WHERE sort_order IS NULL;
ALTER TABLE stages ALTER COLUMN sort_order SET NOT NULL;
DROP INDEX stages_pipeline_id;
CREATE INDEX stages_pipeline_id ON stages (tenant_id, pipeline_id, sort_order, id);
