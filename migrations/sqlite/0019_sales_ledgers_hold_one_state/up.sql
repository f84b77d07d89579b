-- A record has one state at any time: each row of its ledger ends where the next begins, and the last has no end. A row ends where
-- another begins (foreign key), no two begin or end at the same time (keys), and each ends after it begins (check), so that the
-- rows of a record are one chain.

DROP INDEX opportunity_ledger_stages;
ALTER TABLE opportunity_ledger RENAME TO opportunity_ledger_before;
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
    PRIMARY KEY (tenant_id, record_id, at),
    CHECK (until > at),
    FOREIGN KEY (tenant_id, record_id) REFERENCES opportunities (tenant_id, id),
    FOREIGN KEY (tenant_id, record_id, until) REFERENCES opportunity_ledger (tenant_id, record_id, at) DEFERRABLE INITIALLY DEFERRED
) WITHOUT ROWID;
-- Rows in the order in which they were written, which their ids tell; one that began before its forerunner begins right after that.
INSERT INTO opportunity_ledger
SELECT tenant_id, record_id, began, id, LEAD(began) OVER (PARTITION BY tenant_id, record_id ORDER BY place), user_id,
    pipeline_id, stage_id, status, amount, amount_currency, probability, expected_close_on, forecast_category, owner_id, team_id, closed_at, CASE WHEN at = stage_entered_at THEN began ELSE stage_entered_at END, former_step, former_seconds
FROM (
    SELECT *, 1000 * place + MAX(at - 1000 * place) OVER (PARTITION BY tenant_id, record_id ORDER BY place) AS began
    FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY tenant_id, record_id ORDER BY id) AS place FROM opportunity_ledger_before)
);
UPDATE opportunities SET stage_entered_at = (
    SELECT MAX(l.at) FROM opportunity_ledger l
    WHERE l.tenant_id = opportunities.tenant_id AND l.record_id = opportunities.id AND l.at = l.stage_entered_at AND l.stage_id = opportunities.stage_id
)
WHERE EXISTS (
    SELECT 1 FROM opportunity_ledger_before b
    WHERE b.tenant_id = opportunities.tenant_id AND b.record_id = opportunities.id AND b.until < b.at
)
AND EXISTS (
    SELECT 1 FROM opportunity_ledger l
    WHERE l.tenant_id = opportunities.tenant_id AND l.record_id = opportunities.id AND l.at = l.stage_entered_at AND l.stage_id = opportunities.stage_id
);
DROP TABLE opportunity_ledger_before;
CREATE UNIQUE INDEX opportunity_ledger_end ON opportunity_ledger (tenant_id, record_id, COALESCE(until, 9223372036854775807));
CREATE INDEX opportunity_ledger_stages ON opportunity_ledger (tenant_id, record_id, stage_id, former_step, former_seconds);

DROP INDEX lead_ledger_entered;
ALTER TABLE lead_ledger RENAME TO lead_ledger_before;
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
    PRIMARY KEY (tenant_id, record_id, at),
    CHECK (until > at),
    FOREIGN KEY (tenant_id, record_id) REFERENCES leads (tenant_id, id),
    FOREIGN KEY (tenant_id, record_id, until) REFERENCES lead_ledger (tenant_id, record_id, at) DEFERRABLE INITIALLY DEFERRED
) WITHOUT ROWID;
-- Rows in the order in which they were written, which their ids tell; one that began before its forerunner begins right after that.
INSERT INTO lead_ledger
SELECT tenant_id, record_id, began, id, LEAD(began) OVER (PARTITION BY tenant_id, record_id ORDER BY place), user_id,
    status, owner_id, team_id, pool_id, CASE WHEN at = status_entered_at THEN began ELSE status_entered_at END, former_step, former_seconds
FROM (
    SELECT *, 1000 * place + MAX(at - 1000 * place) OVER (PARTITION BY tenant_id, record_id ORDER BY place) AS began
    FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY tenant_id, record_id ORDER BY id) AS place FROM lead_ledger_before)
);
UPDATE leads SET status_entered_at = (
    SELECT MAX(l.at) FROM lead_ledger l
    WHERE l.tenant_id = leads.tenant_id AND l.record_id = leads.id AND l.at = l.status_entered_at AND l.status = leads.status
)
WHERE EXISTS (
    SELECT 1 FROM lead_ledger_before b
    WHERE b.tenant_id = leads.tenant_id AND b.record_id = leads.id AND b.until < b.at
)
AND EXISTS (
    SELECT 1 FROM lead_ledger l
    WHERE l.tenant_id = leads.tenant_id AND l.record_id = leads.id AND l.at = l.status_entered_at AND l.status = leads.status
);
DROP TABLE lead_ledger_before;
CREATE UNIQUE INDEX lead_ledger_end ON lead_ledger (tenant_id, record_id, COALESCE(until, 9223372036854775807));
CREATE INDEX lead_ledger_entered ON lead_ledger (tenant_id, at, record_id, status, former_step, former_seconds) WHERE at = status_entered_at;
