DROP POLICY IF EXISTS owner_select_without_project ON pilothouse.timeline;
DROP INDEX IF EXISTS pilothouse.timeline_container_idx;
DROP TRIGGER IF EXISTS "ActivityEvent_timeline_truncate_operations" ON public."ActivityEvent";
DELETE FROM pilothouse.timeline WHERE source = 'event' AND id LIKE 'op\_%';
DROP TABLE IF EXISTS pilothouse.operations;
DROP FUNCTION IF EXISTS pilothouse.keep_operations(), pilothouse.return_operations(),
    pilothouse.entry_of_operation(text, text, text, uuid, text, text, uuid, uuid, uuid, text, text, timestamp with time zone, timestamp with time zone, text, timestamp with time zone, xid8);
GRANT UPDATE (status, observed_at, observed_from, engine_status) ON public.containers TO pilothouse_owner;
