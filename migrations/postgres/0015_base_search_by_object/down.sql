UPDATE search_documents SET terms = ts_delete(terms, tenants.number || '@' || search_documents.object)
FROM tenants WHERE tenants.id = search_documents.tenant_id;
