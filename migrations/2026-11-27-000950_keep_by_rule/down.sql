DELETE FROM pilothouse.schedules WHERE kind = 'retain';
DELETE FROM pilothouse.jobs WHERE kind = 'retain';
DO $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT * FROM (VALUES ('users'), ('projects'), ('containers'), ('file_storage')) AS t(name) LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON public.%I', p.name || '_deleted_insert', p.name);
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON public.%I', p.name || '_deleted_update', p.name);
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON public.%I', p.name || '_deleted_lift', p.name);
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON public.%I', p.name || '_deleted_delete', p.name);
    END LOOP;
    FOR p IN SELECT c.oid::regclass AS target, o.polname AS name FROM pg_policy o JOIN pg_class c ON c.oid = o.polrelid
             WHERE o.polname IN ('retention_select', 'retention_update', 'retention_delete')
               AND c.oid::regclass::text <> ALL (ARRAY['chat_messages', 'file_storage', 'sessions', 'pilothouse.guests', 'pilothouse.claim_links',
                   'public.chat_messages', 'public.file_storage', 'public.sessions'])
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', p.name, p.target);
    END LOOP;
END
$$;
DROP POLICY IF EXISTS retention_delete ON public.chat_messages;
CREATE POLICY retention_delete ON public.chat_messages FOR DELETE TO pilothouse_retention USING (true);
DROP POLICY IF EXISTS retention_delete ON public.file_storage;
CREATE POLICY retention_delete ON public.file_storage FOR DELETE TO pilothouse_retention USING (is_deleted);
DROP POLICY IF EXISTS retention_delete ON public.sessions;
CREATE POLICY retention_delete ON public.sessions FOR DELETE TO pilothouse_retention
    USING (is_active IS NOT TRUE OR expires_at < now());
REVOKE SELECT (id, is_active), DELETE ON public.users FROM pilothouse_retention;
REVOKE SELECT (id, user_id, container_id, status), UPDATE (container_id), DELETE ON public.projects FROM pilothouse_retention;
REVOKE SELECT (id, user_id, status), DELETE ON public.containers FROM pilothouse_retention;
REVOKE SELECT (id, "projectId", "createdAt"), DELETE ON public."ActivityEvent" FROM pilothouse_retention;
REVOKE SELECT (id, "projectId", "userId"), DELETE ON public."ActivityLog" FROM pilothouse_retention;
REVOKE SELECT (action_id, project_id), DELETE ON turbobackend.project_actions FROM pilothouse_retention;
REVOKE SELECT (id, project_id, container_id), DELETE ON pilothouse.engine_events FROM pilothouse_retention;
REVOKE SELECT (source, id, at, project_id, owner_id, container_id, actor, outcome) ON pilothouse.timeline FROM pilothouse_retention;
REVOKE SELECT (source, id), DELETE ON pilothouse.reports FROM pilothouse_retention;
REVOKE SELECT (id, project_id, received_at), DELETE ON pilothouse.deliveries FROM pilothouse_retention;
REVOKE SELECT (id, session_id, user_id, last_activity_at, created_at), DELETE ON public.ai_assistant_sessions FROM pilothouse_retention;
REVOKE SELECT (id, session_id, user_id, public_status), DELETE ON public.job_drafts FROM pilothouse_retention;
DROP FUNCTION IF EXISTS pilothouse.held_projects(), pilothouse.held_containers(), pilothouse.held_users(),
    pilothouse.note_deletion(), pilothouse.lift_deletion();
DROP TABLE IF EXISTS pilothouse.retention_rules, pilothouse.holds, pilothouse.deletions;
