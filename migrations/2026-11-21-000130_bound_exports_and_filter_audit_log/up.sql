-- The audit log by type and by target, and how many exports somebody has started.

-- In the timeline's one order, like its sisters. A rare type walks the whole log without it.
CREATE INDEX IF NOT EXISTS "ActivityLog_type_timeline_idx" ON public."ActivityLog"
    ("activityType", "createdAt" DESC, id COLLATE "C" DESC);
CREATE INDEX IF NOT EXISTS "ActivityLog_target_timeline_idx" ON public."ActivityLog"
    ("targetId", "createdAt" DESC, id COLLATE "C" DESC);
COMMENT ON INDEX public."ActivityLog_type_timeline_idx" IS 'Filter by type: a rare one walks the whole log without it.';
COMMENT ON INDEX public."ActivityLog_target_timeline_idx" IS 'Filter by target: what was done to one user, project or session.';

-- Owners do not read audit entries without a project, not even their own; of their exports they learn the times.
-- The lock makes two requests of one user take turns, in whichever process they run, until they are recorded.
CREATE OR REPLACE FUNCTION pilothouse.own_exports_between(first timestamp, last timestamp)
RETURNS timestamp[]
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    me text := pilothouse.app_user_id()::text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('pilothouse export ' || me, 0));
    RETURN ARRAY(
        SELECT l."createdAt"::timestamp FROM public."ActivityLog" l
        WHERE l."userId" = me AND l."activityType" = 'data.exported' AND l."createdAt" BETWEEN first AND last
        ORDER BY l."createdAt" DESC LIMIT 100);
END
$$;
COMMENT ON FUNCTION pilothouse.own_exports_between(timestamp, timestamp) IS
    'When this transaction''s user started exports, newest first. Until it ends, the user starts no other.';
REVOKE ALL ON FUNCTION pilothouse.own_exports_between(timestamp, timestamp) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.own_exports_between(timestamp, timestamp) TO pilothouse_admin, pilothouse_owner;
