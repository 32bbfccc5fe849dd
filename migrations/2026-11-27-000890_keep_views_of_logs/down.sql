DROP TABLE IF EXISTS pilothouse.log_views;
