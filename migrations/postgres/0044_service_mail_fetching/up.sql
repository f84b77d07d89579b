-- How far mail has been fetched from a folder of an IMAP server.
CREATE TABLE mail_sources (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    name text NOT NULL,
    uid_validity bigint,
    last_uid bigint NOT NULL,
    checked_at timestamptz NOT NULL,
    report json NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
