DROP TABLE IF EXISTS pilothouse.samples;
