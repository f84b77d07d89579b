DROP TABLE forecast_overrides;
DROP TABLE quotas;
