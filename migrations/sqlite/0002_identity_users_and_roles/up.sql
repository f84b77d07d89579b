CREATE TABLE teams (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    parent_id BLOB,
    manager_id BLOB,
    description TEXT,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES teams (tenant_id, id),
    FOREIGN KEY (tenant_id, manager_id) REFERENCES users (tenant_id, id)
);
CREATE UNIQUE INDEX teams_name_key ON teams (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX teams_created_at ON teams (tenant_id, created_at, id);
CREATE INDEX teams_updated_at ON teams (tenant_id, updated_at, id);
CREATE INDEX teams_parent_id ON teams (tenant_id, parent_id, created_at, id);

CREATE TABLE users (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    phone TEXT,
    status TEXT NOT NULL,
    team_id BLOB,
    role_ids TEXT NOT NULL,
    title TEXT,
    language TEXT,
    time_zone TEXT,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE UNIQUE INDEX users_email_key ON users (tenant_id, email) WHERE archived_at IS NULL;
CREATE INDEX users_name ON users (tenant_id, name, id);
CREATE INDEX users_status ON users (tenant_id, status, created_at, id);
CREATE INDEX users_team_id ON users (tenant_id, team_id, created_at, id);
CREATE INDEX users_created_at ON users (tenant_id, created_at, id);
CREATE INDEX users_updated_at ON users (tenant_id, updated_at, id);

CREATE TABLE roles (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    key TEXT,
    description TEXT,
    permissions TEXT NOT NULL,
    field_rules TEXT NOT NULL,
    external_ids TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX roles_name_key ON roles (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX roles_created_at ON roles (tenant_id, created_at, id);
CREATE INDEX roles_updated_at ON roles (tenant_id, updated_at, id);

CREATE TABLE user_roles (
    tenant_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    role_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, user_id, role_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX user_roles_role ON user_roles (tenant_id, role_id);

CREATE TABLE tags (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    color TEXT,
    description TEXT,
    external_ids TEXT NOT NULL,
    custom TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX tags_name_key ON tags (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX tags_created_at ON tags (tenant_id, created_at, id);
CREATE INDEX tags_updated_at ON tags (tenant_id, updated_at, id);

CREATE TABLE record_tags (
    tenant_id BLOB NOT NULL,
    object TEXT NOT NULL,
    record_id BLOB NOT NULL,
    tag_id BLOB NOT NULL,
    PRIMARY KEY (tenant_id, object, tag_id, record_id),
    FOREIGN KEY (tenant_id, tag_id) REFERENCES tags (tenant_id, id)
) WITHOUT ROWID;
CREATE INDEX record_tags_record ON record_tags (tenant_id, record_id);

CREATE TABLE api_keys (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    user_id BLOB NOT NULL,
    scopes TEXT NOT NULL,
    prefix TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX api_keys_user_id ON api_keys (tenant_id, user_id, created_at, id);
CREATE INDEX api_keys_created_at ON api_keys (tenant_id, created_at, id);
CREATE INDEX api_keys_updated_at ON api_keys (tenant_id, updated_at, id);

-- SHA-256 of each API key: keys are long and random, so that no slow hash is needed.
CREATE TABLE api_key_hashes (
    hash BLOB NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL,
    api_key_id BLOB NOT NULL,
    FOREIGN KEY (tenant_id, api_key_id) REFERENCES api_keys (tenant_id, id)
) WITHOUT ROWID;

CREATE TABLE custom_fields (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    object TEXT NOT NULL,
    key TEXT NOT NULL,
    field_type TEXT NOT NULL,
    label_en TEXT,
    label_zh TEXT,
    description TEXT,
    required INTEGER NOT NULL,
    searchable INTEGER NOT NULL,
    indexed INTEGER NOT NULL,
    choices TEXT NOT NULL,
    reference_object TEXT,
    position INTEGER,
    storage_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    updated_by BLOB,
    archived_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX custom_fields_key_key ON custom_fields (tenant_id, object, key) WHERE archived_at IS NULL;
CREATE INDEX custom_fields_created_at ON custom_fields (tenant_id, created_at, id);
CREATE INDEX custom_fields_updated_at ON custom_fields (tenant_id, updated_at, id);

-- Argon2id hashes of passwords; one-time tokens for invitation and reset as SHA-256.
CREATE TABLE passwords (
    tenant_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    hash TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) WITHOUT ROWID;
CREATE TABLE password_tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
) WITHOUT ROWID;

-- Log-ins. Only the newest refresh token of a session is good; an older one coming back ends it.
CREATE TABLE sessions (
    tenant_id BLOB NOT NULL,
    id BLOB NOT NULL,
    user_id BLOB NOT NULL,
    refresh_hash BLOB NOT NULL,
    user_agent TEXT,
    address TEXT,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX sessions_user ON sessions (tenant_id, user_id, created_at);

-- Failed log-ins, counted per account and per address.
CREATE TABLE login_failures (
    subject TEXT NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    since INTEGER NOT NULL,
    blocked_until INTEGER
) WITHOUT ROWID;

-- Ed25519 keys that sign access tokens; each signs until `retires_at` and is published while tokens of it may live.
CREATE TABLE signing_keys (
    id BLOB NOT NULL PRIMARY KEY,
    private_key BLOB NOT NULL,
    public_key BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retires_at INTEGER NOT NULL
) WITHOUT ROWID;
