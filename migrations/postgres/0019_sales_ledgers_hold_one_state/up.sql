-- A record has one state at any time: each row of its ledger ends where the next begins, and the last has no end. A row ends where
-- another begins (foreign key), no two begin or end at the same time (keys), and each ends after it begins (check), so that the
-- rows of a record are one chain.

-- Rows in the order in which they were written, which their ids tell; one that began before its forerunner begins right after that.
CREATE TEMPORARY TABLE mended ON COMMIT DROP AS
SELECT tenant_id, record_id, id, at, until, began, LEAD(began) OVER (PARTITION BY tenant_id, record_id ORDER BY place) AS ended
FROM (
    SELECT *, place * INTERVAL '1 millisecond'
        + MAX(at - place * INTERVAL '1 millisecond') OVER (PARTITION BY tenant_id, record_id ORDER BY place) AS began
    FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY tenant_id, record_id ORDER BY id) AS place FROM opportunity_ledger) numbered
) moved;
ALTER TABLE opportunity_ledger DROP CONSTRAINT opportunity_ledger_pkey;
UPDATE opportunity_ledger l SET at = m.began, until = m.ended, stage_entered_at = CASE WHEN l.at = l.stage_entered_at THEN m.began ELSE l.stage_entered_at END
FROM mended m
WHERE m.tenant_id = l.tenant_id AND m.record_id = l.record_id AND m.id = l.id
    AND (l.at <> m.began OR l.until IS DISTINCT FROM m.ended);
ALTER TABLE opportunity_ledger ADD PRIMARY KEY (tenant_id, record_id, at);
UPDATE opportunities o SET stage_entered_at = s.entered
FROM (
    SELECT tenant_id, record_id, stage_id, MAX(at) AS entered FROM opportunity_ledger WHERE at = stage_entered_at GROUP BY 1, 2, 3
) s
WHERE s.tenant_id = o.tenant_id AND s.record_id = o.id AND s.stage_id = o.stage_id
    AND EXISTS (SELECT 1 FROM mended m WHERE m.tenant_id = o.tenant_id AND m.record_id = o.id AND m.until < m.at);
DROP TABLE mended;
ALTER TABLE opportunity_ledger ADD CONSTRAINT opportunity_ledger_lasts CHECK (until > at);
CREATE UNIQUE INDEX opportunity_ledger_end ON opportunity_ledger (tenant_id, record_id, until) NULLS NOT DISTINCT;
ALTER TABLE opportunity_ledger ADD CONSTRAINT opportunity_ledger_next FOREIGN KEY (tenant_id, record_id, until)
    REFERENCES opportunity_ledger (tenant_id, record_id, at) DEFERRABLE INITIALLY DEFERRED;

-- Rows in the order in which they were written, which their ids tell; one that began before its forerunner begins right after that.
CREATE TEMPORARY TABLE mended ON COMMIT DROP AS
SELECT tenant_id, record_id, id, at, until, began, LEAD(began) OVER (PARTITION BY tenant_id, record_id ORDER BY place) AS ended
FROM (
    SELECT *, place * INTERVAL '1 millisecond'
        + MAX(at - place * INTERVAL '1 millisecond') OVER (PARTITION BY tenant_id, record_id ORDER BY place) AS began
    FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY tenant_id, record_id ORDER BY id) AS place FROM lead_ledger) numbered
) moved;
ALTER TABLE lead_ledger DROP CONSTRAINT lead_ledger_pkey;
UPDATE lead_ledger l SET at = m.began, until = m.ended, status_entered_at = CASE WHEN l.at = l.status_entered_at THEN m.began ELSE l.status_entered_at END
FROM mended m
WHERE m.tenant_id = l.tenant_id AND m.record_id = l.record_id AND m.id = l.id
    AND (l.at <> m.began OR l.until IS DISTINCT FROM m.ended);
ALTER TABLE lead_ledger ADD PRIMARY KEY (tenant_id, record_id, at);
UPDATE leads o SET status_entered_at = s.entered
FROM (
    SELECT tenant_id, record_id, status, MAX(at) AS entered FROM lead_ledger WHERE at = status_entered_at GROUP BY 1, 2, 3
) s
WHERE s.tenant_id = o.tenant_id AND s.record_id = o.id AND s.status = o.status
    AND EXISTS (SELECT 1 FROM mended m WHERE m.tenant_id = o.tenant_id AND m.record_id = o.id AND m.until < m.at);
DROP TABLE mended;
ALTER TABLE lead_ledger ADD CONSTRAINT lead_ledger_lasts CHECK (until > at);
CREATE UNIQUE INDEX lead_ledger_end ON lead_ledger (tenant_id, record_id, until) NULLS NOT DISTINCT;
ALTER TABLE lead_ledger ADD CONSTRAINT lead_ledger_next FOREIGN KEY (tenant_id, record_id, until)
    REFERENCES lead_ledger (tenant_id, record_id, at) DEFERRABLE INITIALLY DEFERRED;
