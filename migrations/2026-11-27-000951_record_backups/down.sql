DELETE FROM pilothouse.schedules WHERE kind IN ('back_up', 'prove_backup');
DELETE FROM pilothouse.jobs WHERE kind IN ('back_up', 'prove_backup');
DROP TABLE IF EXISTS pilothouse.backups, pilothouse.archives;
