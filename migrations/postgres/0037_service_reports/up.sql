-- How tickets have fared by their clocks, for reports and lists; and what backlogs of the past are counted by.
ALTER TABLE tickets ADD COLUMN sla_outcomes json NOT NULL DEFAULT '[]';
UPDATE tickets SET sla_outcomes = (SELECT json_agg(o) FROM (
    SELECT clock || CASE WHEN MAX(breached_at) IS NOT NULL THEN '.breached' WHEN bool_or(is_open AND phase <> 'met') THEN '.open'
        WHEN SUM(CASE WHEN phase = 'met' THEN 1 ELSE 0 END) > 0 THEN '.met' END AS o
    FROM ticket_clocks WHERE ticket_clocks.tenant_id = tickets.tenant_id AND ticket_clocks.ticket_id = tickets.id GROUP BY clock
) fared WHERE o IS NOT NULL)
WHERE EXISTS (SELECT 1 FROM ticket_clocks WHERE ticket_clocks.tenant_id = tickets.tenant_id AND ticket_clocks.ticket_id = tickets.id
    AND (breached_at IS NOT NULL OR is_open OR phase = 'met'));
ALTER TABLE ticket_ledger ADD COLUMN channel text COLLATE "C";
ALTER TABLE ticket_ledger ADD COLUMN kind text COLLATE "C";
ALTER TABLE ticket_ledger ADD COLUMN customer_id uuid;
-- What they were before, nobody has kept.
UPDATE ticket_ledger SET channel = tickets.channel, kind = tickets.kind, customer_id = tickets.customer_id
FROM tickets WHERE tickets.tenant_id = ticket_ledger.tenant_id AND tickets.id = ticket_ledger.record_id;
