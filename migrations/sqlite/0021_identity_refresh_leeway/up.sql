-- Refresh tokens that were rotated a moment ago. With the salt their holder, and nobody else, is given the same successor again.
CREATE TABLE session_rotations (
    tenant_id BLOB NOT NULL,
    session_id BLOB NOT NULL,
    hash BLOB NOT NULL,
    salt BLOB NOT NULL,
    rotated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, session_id, hash),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
);
