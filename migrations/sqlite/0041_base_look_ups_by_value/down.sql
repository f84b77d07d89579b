CREATE INDEX lookup_values_record ON lookup_values (tenant_id, record_id);
