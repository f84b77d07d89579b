-- Choices that are offered no more and that records still have.
ALTER TABLE custom_fields ADD COLUMN retired_choices json NOT NULL DEFAULT '[]';
