DROP FUNCTION IF EXISTS pilothouse.tie_older(text, bigint, text, integer);
