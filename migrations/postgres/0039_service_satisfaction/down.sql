DROP INDEX tickets_satisfaction_score;
ALTER TABLE tickets DROP COLUMN satisfaction_at;
ALTER TABLE tickets DROP COLUMN satisfaction_score;
ALTER TABLE tickets DROP COLUMN satisfaction_kind;
DROP TABLE survey_responses;
DROP TABLE surveys;
