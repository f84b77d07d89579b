DROP INDEX search_documents_terms;
ALTER TABLE search_documents ADD COLUMN title tsvector;
UPDATE search_documents SET
    title = array_to_tsvector(ARRAY(SELECT term FROM unnest(tsvector_to_array(terms)) term WHERE term ~ '^[0-9]+:')),
    terms = array_to_tsvector(ARRAY(SELECT regexp_replace(term, '^([0-9]+)!', '\1:') FROM unnest(tsvector_to_array(terms)) term));
ALTER TABLE search_documents ALTER COLUMN title SET NOT NULL;
CREATE INDEX search_documents_terms ON search_documents USING gin (terms) WITH (fastupdate = off);
