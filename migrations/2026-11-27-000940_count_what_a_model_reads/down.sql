DROP FUNCTION IF EXISTS pilothouse.assistant_usage_today();
DROP FUNCTION IF EXISTS pilothouse.count_assistant_usage(bigint, bigint);
DROP TABLE IF EXISTS pilothouse.assistant_usage;
