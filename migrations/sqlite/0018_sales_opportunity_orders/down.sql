DROP INDEX opportunities_forecast_category;
DROP INDEX opportunities_opened;
