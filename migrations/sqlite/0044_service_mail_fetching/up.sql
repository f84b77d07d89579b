-- How far mail has been fetched from a folder of an IMAP server.
CREATE TABLE mail_sources (
    tenant_id BLOB NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    uid_validity INTEGER,
    last_uid INTEGER NOT NULL,
    checked_at INTEGER NOT NULL,
    report TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
) WITHOUT ROWID;
