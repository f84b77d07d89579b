-- What frontends keep: JSON by key, of the tenant or of one user. The row without a key tells the highest version of those that were
-- deleted, so that no version comes back with another value.
CREATE TABLE settings (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid,
    key text COLLATE "C" NOT NULL,
    value json NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX settings_of_tenant ON settings (tenant_id, key) WHERE user_id IS NULL;
CREATE UNIQUE INDEX settings_of_user ON settings (tenant_id, user_id, key) WHERE user_id IS NOT NULL;
