DROP TABLE views;
DROP TABLE dashboards;
DROP TABLE saved_reports;
DROP TABLE exchange_rates;
