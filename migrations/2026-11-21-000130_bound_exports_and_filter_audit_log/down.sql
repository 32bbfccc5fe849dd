DROP FUNCTION IF EXISTS pilothouse.own_exports_between(timestamp, timestamp);
DROP INDEX IF EXISTS public."ActivityLog_type_timeline_idx", public."ActivityLog_target_timeline_idx";
