-- What made the actor do it, if not just they themselves: a rule, a macro, an import.
ALTER TABLE events ADD COLUMN cause_kind text COLLATE "C";
ALTER TABLE events ADD COLUMN cause_id uuid;
ALTER TABLE events ADD COLUMN cause_depth bigint;
