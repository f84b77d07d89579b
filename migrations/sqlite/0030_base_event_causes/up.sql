-- What made the actor do it, if not just they themselves: a rule, a macro, an import.
ALTER TABLE events ADD COLUMN cause_kind TEXT;
ALTER TABLE events ADD COLUMN cause_id BLOB;
ALTER TABLE events ADD COLUMN cause_depth INTEGER;
