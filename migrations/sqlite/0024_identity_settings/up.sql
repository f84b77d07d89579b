-- What frontends keep: JSON by key, of the tenant or of one user. The row without a key tells the highest version of those that were
-- deleted, so that no version comes back with another value.
CREATE TABLE settings (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    user_id BLOB,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX settings_of_tenant ON settings (tenant_id, key) WHERE user_id IS NULL;
CREATE UNIQUE INDEX settings_of_user ON settings (tenant_id, user_id, key) WHERE user_id IS NOT NULL;
