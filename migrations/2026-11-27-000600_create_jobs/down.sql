DROP FUNCTION IF EXISTS pilothouse.enqueue(text, text, jsonb, interval);
DROP TABLE IF EXISTS pilothouse.schedules;
DROP TABLE IF EXISTS pilothouse.jobs;
