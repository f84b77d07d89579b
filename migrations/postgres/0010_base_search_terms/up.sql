-- One list of terms a record: `1:huawei` is in a name, `1!huawei` is not. Each kind of hit comes from the index alone, and there is
-- half as much to write and to keep.
DROP INDEX search_documents_terms;
UPDATE search_documents SET terms = array_to_tsvector(tsvector_to_array(title) || ARRAY(
    SELECT regexp_replace(term, ':', '!') FROM unnest(tsvector_to_array(ts_delete(terms, tsvector_to_array(title)))) term
));
ALTER TABLE search_documents DROP COLUMN title;
-- New terms wait in a short list, which searches read too, until there are enough to put in their places at once.
CREATE INDEX search_documents_terms ON search_documents USING gin (terms) WITH (fastupdate = on, gin_pending_list_limit = 256);
