DROP TABLE integration_webhook_cursors;
DROP TABLE integration_webhook_deliveries;
DROP TABLE integration_webhooks;
