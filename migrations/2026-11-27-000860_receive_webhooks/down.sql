DROP TABLE IF EXISTS pilothouse.deliveries, pilothouse.webhooks;
DROP FUNCTION IF EXISTS pilothouse.keep_earlier_secret();
