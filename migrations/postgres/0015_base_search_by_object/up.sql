-- Each document has a term that names its object, so that a search of one object reads the hits of no other.
UPDATE search_documents SET terms = terms || array_to_tsvector(ARRAY[tenants.number || '@' || search_documents.object])
FROM tenants WHERE tenants.id = search_documents.tenant_id;
-- The newest documents of an object stand together, for searches with so many hits that walking them is quicker.
ALTER TABLE search_documents DROP CONSTRAINT search_documents_pkey, ADD PRIMARY KEY (tenant_id, object, document);
