DROP TRIGGER IF EXISTS timeline_leave_thread ON pilothouse.timeline;
DROP TRIGGER IF EXISTS timeline_keep_thread ON pilothouse.timeline;
DROP FUNCTION IF EXISTS pilothouse.leave_thread(), pilothouse.keep_thread(),
    pilothouse.tie_to_cause(text, text, bigint, text, boolean);
DROP TABLE IF EXISTS pilothouse.thread_entries;
