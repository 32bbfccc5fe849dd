DELETE FROM pilothouse.schedules WHERE kind = 'measure_tables';
DELETE FROM pilothouse.jobs WHERE kind = 'measure_tables';
DROP TABLE IF EXISTS pilothouse.table_sizes;
