DROP INDEX opportunity_ledger_stages;
DROP INDEX opportunity_ledger_end;
ALTER TABLE opportunity_ledger RENAME TO opportunity_ledger_after;
CREATE TABLE opportunity_ledger (
    tenant_id BLOB NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    id BLOB NOT NULL,
    until INTEGER,
    user_id BLOB,
    pipeline_id BLOB NOT NULL,
    stage_id BLOB NOT NULL,
    status TEXT NOT NULL,
    amount INTEGER,
    amount_currency TEXT,
    probability INTEGER,
    expected_close_on TEXT,
    forecast_category TEXT,
    owner_id BLOB,
    team_id BLOB,
    closed_at INTEGER,
    stage_entered_at INTEGER NOT NULL,
    former_step BLOB,
    former_seconds INTEGER,
    PRIMARY KEY (tenant_id, record_id, at, id),
    FOREIGN KEY (tenant_id, record_id) REFERENCES opportunities (tenant_id, id)
) WITHOUT ROWID;
INSERT INTO opportunity_ledger SELECT * FROM opportunity_ledger_after;
DROP TABLE opportunity_ledger_after;
CREATE INDEX opportunity_ledger_stages ON opportunity_ledger (tenant_id, record_id, stage_id, former_step, former_seconds);
DROP INDEX lead_ledger_entered;
DROP INDEX lead_ledger_end;
ALTER TABLE lead_ledger RENAME TO lead_ledger_after;
CREATE TABLE lead_ledger (
    tenant_id BLOB NOT NULL,
    record_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    id BLOB NOT NULL,
    until INTEGER,
    user_id BLOB,
    status TEXT NOT NULL,
    owner_id BLOB,
    team_id BLOB,
    pool_id BLOB,
    status_entered_at INTEGER NOT NULL,
    former_step TEXT,
    former_seconds INTEGER,
    PRIMARY KEY (tenant_id, record_id, at, id),
    FOREIGN KEY (tenant_id, record_id) REFERENCES leads (tenant_id, id)
) WITHOUT ROWID;
INSERT INTO lead_ledger SELECT * FROM lead_ledger_after;
DROP TABLE lead_ledger_after;
CREATE INDEX lead_ledger_entered ON lead_ledger (tenant_id, at, record_id, status, former_step, former_seconds) WHERE at = status_entered_at;
