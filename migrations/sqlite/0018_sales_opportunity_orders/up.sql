-- Lists of opportunities by when they opened, and by the category of the forecast that they count in.
CREATE INDEX opportunities_opened ON opportunities (tenant_id, opened_at, id);
CREATE INDEX opportunities_forecast_category ON opportunities (tenant_id, forecast_category, created_at, id) WHERE forecast_category IS NOT NULL;
