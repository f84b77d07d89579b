DROP INDEX tasks_cadence_enrolment_id;
ALTER TABLE tasks DROP COLUMN cadence_enrolment_id;
DROP TABLE cadence_enrolments;
DROP TABLE cadences;
