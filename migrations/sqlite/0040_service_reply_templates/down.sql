ALTER TABLE users DROP COLUMN signature;
ALTER TABLE mailboxes DROP COLUMN acknowledgement_template_id;
ALTER TABLE mailboxes DROP COLUMN signature;
DROP TABLE reply_templates;
