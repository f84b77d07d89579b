ALTER TABLE search_documents DROP CONSTRAINT search_documents_pkey, ADD PRIMARY KEY (tenant_id, document);
UPDATE search_documents SET terms = ts_delete(terms, tenants.number || '@' || search_documents.object)
FROM tenants WHERE tenants.id = search_documents.tenant_id;
