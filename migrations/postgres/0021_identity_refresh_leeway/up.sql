-- Refresh tokens that were rotated a moment ago. With the salt their holder, and nobody else, is given the same successor again.
CREATE TABLE session_rotations (
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    hash bytea NOT NULL,
    salt bytea NOT NULL,
    rotated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, session_id, hash),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);
