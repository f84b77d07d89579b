DROP TABLE opportunity_ledger;
DROP TABLE line_items;
DROP TABLE opportunity_team_members;
DROP TABLE opportunity_contacts;
DROP TABLE opportunities;
DROP TABLE stages;
DROP TABLE pipelines;
