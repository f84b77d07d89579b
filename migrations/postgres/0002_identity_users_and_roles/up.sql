CREATE TABLE teams (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    parent_id uuid,
    manager_id uuid,
    description text COLLATE "C",
    external_ids json NOT NULL,
    custom json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, parent_id) REFERENCES teams (tenant_id, id)
);
CREATE UNIQUE INDEX teams_name_key ON teams (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX teams_created_at ON teams (tenant_id, created_at, id);
CREATE INDEX teams_updated_at ON teams (tenant_id, updated_at, id);
CREATE INDEX teams_parent_id ON teams (tenant_id, parent_id, created_at, id);

CREATE TABLE users (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    email text COLLATE "C" NOT NULL,
    phone text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    team_id uuid,
    role_ids json NOT NULL,
    title text COLLATE "C",
    language text COLLATE "C",
    time_zone text COLLATE "C",
    external_ids json NOT NULL,
    custom json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
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
ALTER TABLE teams ADD FOREIGN KEY (tenant_id, manager_id) REFERENCES users (tenant_id, id);

CREATE TABLE roles (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    key text COLLATE "C",
    description text COLLATE "C",
    permissions json NOT NULL,
    field_rules json NOT NULL,
    external_ids json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX roles_name_key ON roles (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX roles_created_at ON roles (tenant_id, created_at, id);
CREATE INDEX roles_updated_at ON roles (tenant_id, updated_at, id);

CREATE TABLE user_roles (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, user_id, role_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id)
);
CREATE INDEX user_roles_role ON user_roles (tenant_id, role_id);

CREATE TABLE tags (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    color text COLLATE "C",
    description text COLLATE "C",
    external_ids json NOT NULL,
    custom json NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX tags_name_key ON tags (tenant_id, name) WHERE archived_at IS NULL;
CREATE INDEX tags_created_at ON tags (tenant_id, created_at, id);
CREATE INDEX tags_updated_at ON tags (tenant_id, updated_at, id);

CREATE TABLE record_tags (
    tenant_id uuid NOT NULL,
    object text COLLATE "C" NOT NULL,
    record_id uuid NOT NULL,
    tag_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, object, tag_id, record_id),
    FOREIGN KEY (tenant_id, tag_id) REFERENCES tags (tenant_id, id)
);
CREATE INDEX record_tags_record ON record_tags (tenant_id, record_id);

CREATE TABLE api_keys (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    user_id uuid NOT NULL,
    scopes json NOT NULL,
    prefix text COLLATE "C" NOT NULL,
    expires_at timestamptz,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX api_keys_user_id ON api_keys (tenant_id, user_id, created_at, id);
CREATE INDEX api_keys_created_at ON api_keys (tenant_id, created_at, id);
CREATE INDEX api_keys_updated_at ON api_keys (tenant_id, updated_at, id);

-- SHA-256 of each API key: keys are long and random, so that no slow hash is needed.
CREATE TABLE api_key_hashes (
    hash bytea NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    FOREIGN KEY (tenant_id, api_key_id) REFERENCES api_keys (tenant_id, id)
);

CREATE TABLE custom_fields (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    object text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    field_type text COLLATE "C" NOT NULL,
    label_en text COLLATE "C",
    label_zh text COLLATE "C",
    description text COLLATE "C",
    required boolean NOT NULL,
    searchable boolean NOT NULL,
    indexed boolean NOT NULL,
    choices json NOT NULL,
    reference_object text COLLATE "C",
    position bigint,
    storage_key text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid,
    updated_at timestamptz NOT NULL,
    updated_by uuid,
    archived_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);
CREATE UNIQUE INDEX custom_fields_key_key ON custom_fields (tenant_id, object, key) WHERE archived_at IS NULL;
CREATE INDEX custom_fields_created_at ON custom_fields (tenant_id, created_at, id);
CREATE INDEX custom_fields_updated_at ON custom_fields (tenant_id, updated_at, id);

-- Argon2id hashes of passwords; one-time tokens for invitation and reset as SHA-256.
CREATE TABLE passwords (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    hash text COLLATE "C" NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE TABLE password_tokens (
    hash bytea NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);

-- Log-ins. Only the newest refresh token of a session is good; an older one coming back ends it.
CREATE TABLE sessions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    refresh_hash bytea NOT NULL,
    user_agent text COLLATE "C",
    address text COLLATE "C",
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX sessions_user ON sessions (tenant_id, user_id, created_at);

-- Failed log-ins, counted per account and per address.
CREATE TABLE login_failures (
    subject text COLLATE "C" NOT NULL PRIMARY KEY,
    failures bigint NOT NULL,
    since timestamptz NOT NULL,
    blocked_until timestamptz
);

-- Ed25519 keys that sign access tokens; each signs until `retires_at` and is published while tokens of it may live.
CREATE TABLE signing_keys (
    id uuid NOT NULL PRIMARY KEY,
    private_key bytea NOT NULL,
    public_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    retires_at timestamptz NOT NULL
);
