DROP INDEX activities_work_order_id;
ALTER TABLE activities DROP COLUMN work_order_id;
DROP TABLE checklist_items;
DROP TABLE work_order_parts;
DROP TABLE work_orders;
