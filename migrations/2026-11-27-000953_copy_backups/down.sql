DELETE FROM pilothouse.schedules WHERE kind = 'copy_backups';
DELETE FROM pilothouse.jobs WHERE kind = 'copy_backups';
DROP TABLE IF EXISTS pilothouse.copies, pilothouse.buckets;
