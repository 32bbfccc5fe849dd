-- Who may see and do what. Row security is not forced: workers that log in as the tables' owner work on,
-- and the console never acts as the owner. No request role may delete users, containers or projects:
-- deleting a container row would delete its projects.

-- Logins that were granted a table before row security kept it closed keep what they had, and no more:
-- a policy of their own. Grants to PUBLIC get none, they would open the rows to every request role.
DO $$
DECLARE
    held record;
BEGIN
    FOR held IN
        SELECT DISTINCT c.oid::regclass AS target, r.rolname AS grantee
        FROM pg_catalog.pg_class c
        CROSS JOIN LATERAL aclexplode(c.relacl) a
        JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
        WHERE c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
          AND c.relnamespace IN ('public'::regnamespace, 'turbobackend'::regnamespace)
          AND a.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
          AND a.grantee <> c.relowner AND r.rolname NOT LIKE 'pilothouse\_%'
          AND c.relname IN ('users', 'containers', 'sessions', 'projects', 'chat_messages', 'file_storage',
                            'ActivityEvent', 'ActivityLog', 'job_drafts', 'analytics', 'ghl_opportunities',
                            'ai_assistant_sessions', 'project_actions', 'github_push_history', 'project_deployments',
                            'container_sessions', 'project_databases', 'message_cost_tracker')
    LOOP
        EXECUTE format('CREATE POLICY %I ON %s TO %I USING (true) WITH CHECK (true)',
                       'adopted_' || CASE WHEN octet_length(held.grantee) <= 55 THEN held.grantee ELSE md5(held.grantee) END, held.target, held.grantee);
    END LOOP;
END
$$;

DO $$
DECLARE
    target regclass;
BEGIN
    FOR target IN SELECT unnest(ARRAY[
        'public.users', 'public.containers', 'public.sessions', 'public.projects', 'public.chat_messages',
        'public.file_storage', 'public."ActivityEvent"', 'public."ActivityLog"', 'public.job_drafts',
        'public.analytics', 'public.ghl_opportunities', 'public.ai_assistant_sessions',
        'turbobackend.project_actions', 'turbobackend.github_push_history', 'turbobackend.project_deployments',
        'turbobackend.container_sessions', 'turbobackend.project_databases', 'turbobackend.message_cost_tracker',
        'turbobackend.action_references',
        'pilothouse.action_spool', 'pilothouse.recording_gaps', 'pilothouse.trigger_failures',
        'pilothouse.password_links', 'pilothouse.api_tokens', 'pilothouse.api_token_projects',
        'pilothouse.tombstones', 'pilothouse.sign_in_failures', 'pilothouse.daily_activity'])::regclass
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('DROP POLICY IF EXISTS admin ON %s', target);
        EXECUTE format('CREATE POLICY admin ON %s TO pilothouse_admin USING (true) WITH CHECK (true)', target);
    END LOOP;
    -- The migrations' own list, where there is one, so that a pending migration can be told.
    IF to_regclass('public.__diesel_schema_migrations') IS NOT NULL THEN
        ALTER TABLE public.__diesel_schema_migrations ENABLE ROW LEVEL SECURITY;
        DROP POLICY IF EXISTS readable ON public.__diesel_schema_migrations;
        CREATE POLICY readable ON public.__diesel_schema_migrations FOR SELECT
            TO pilothouse_admin, pilothouse_gate USING (true);
        GRANT SELECT ON public.__diesel_schema_migrations TO pilothouse_admin, pilothouse_gate;
    END IF;
END
$$;

-- Policies of the others: one row a table, role and command. "own" are the user's projects, "history" those and
-- the ones whose row is gone, "reported" the token's.
DO $$
DECLARE
    me CONSTANT text := '(SELECT pilothouse.app_user_id())';
    visitor CONSTANT text := '(SELECT pilothouse.app_guest_session())';
    own CONSTANT text := format('(SELECT p.id_text FROM public.projects p WHERE p.user_id = %s)', me);
    history CONSTANT text := format('(SELECT p.id_text FROM public.projects p WHERE p.user_id = %1$s
        UNION ALL SELECT t.id FROM pilothouse.tombstones t WHERE t.kind = ''project'' AND t.owner_id = %1$s)', me);
    own_container CONSTANT text := format('(SELECT c.id FROM public.containers c WHERE c.user_id = %s)', me);
    reported CONSTANT text := '(SELECT tp.project_id FROM pilothouse.api_token_projects tp
        WHERE tp.token_id = (SELECT pilothouse.app_token_id()))';
    reported_text CONSTANT text := '(SELECT tp.project_id::text FROM pilothouse.api_token_projects tp
        WHERE tp.token_id = (SELECT pilothouse.app_token_id()))';
    p record;
BEGIN
    FOR p IN SELECT * FROM (VALUES
        -- table, role, command, the rows it sees (USING), the rows it may write (WITH CHECK)
        ('public.users', 'owner', 'SELECT', 'id = ' || me, NULL),
        ('public.users', 'owner', 'UPDATE', 'id = ' || me, 'id = ' || me),
        ('public.users', 'gate', 'ALL', 'true', 'true'),
        ('public.sessions', 'owner', 'SELECT', 'user_id = ' || me, NULL),
        ('public.sessions', 'owner', 'UPDATE', 'user_id = ' || me, 'user_id = ' || me || ' AND is_active IS NOT TRUE'),
        ('public.sessions', 'gate', 'ALL', 'true', 'true'),
        ('public.containers', 'owner', 'SELECT', 'user_id = ' || me, NULL),
        ('public.containers', 'owner', 'UPDATE', 'user_id = ' || me, 'user_id = ' || me),
        ('public.containers', 'worker', 'SELECT',
            'id IN (SELECT p.container_id FROM public.projects p WHERE p.id IN ' || reported || ')', NULL),
        ('public.projects', 'owner', 'SELECT', 'user_id = ' || me, NULL),
        ('public.projects', 'owner', 'INSERT', NULL,
            'user_id = ' || me || ' AND (container_id IS NULL OR container_id IN ' || own_container || ')'),
        ('public.projects', 'owner', 'UPDATE', 'user_id = ' || me,
            'user_id = ' || me || ' AND (container_id IS NULL OR container_id IN ' || own_container || ')'),
        ('public.projects', 'worker', 'SELECT', 'id IN ' || reported, NULL),
        ('public.chat_messages', 'owner', 'SELECT', 'container_id IN ' || own_container, NULL),
        ('public.chat_messages', 'owner', 'INSERT', NULL, 'container_id IN ' || own_container),
        ('public.file_storage', 'owner', 'SELECT', 'container_id IN ' || own_container, NULL),
        ('public.file_storage', 'owner', 'INSERT', NULL, 'container_id IN ' || own_container),
        ('public.file_storage', 'owner', 'UPDATE', 'container_id IN ' || own_container, 'container_id IN ' || own_container),
        ('public."ActivityEvent"', 'owner', 'SELECT', '"projectId" IN ' || own, NULL),
        ('public."ActivityEvent"', 'owner', 'INSERT', NULL,
            '"projectId" IN ' || own || ' AND ("userId" IS NULL OR "userId" = ' || me || '::text)'),
        ('public."ActivityEvent"', 'owner', 'UPDATE', '"projectId" IN ' || own, '"projectId" IN ' || own),
        ('public."ActivityEvent"', 'worker', 'SELECT', '"projectId" IN ' || reported_text, NULL),
        ('public."ActivityEvent"', 'worker', 'INSERT', NULL, '"projectId" IN ' || reported_text),
        ('public."ActivityEvent"', 'worker', 'UPDATE', '"projectId" IN ' || reported_text, '"projectId" IN ' || reported_text),
        ('public."ActivityLog"', 'owner', 'SELECT', '"projectId" IN ' || history, NULL),
        ('public."ActivityLog"', 'owner', 'INSERT', NULL,
            '"userId" = ' || me || '::text AND "actingAdminId" IS NULL AND ("projectId" IS NULL OR "projectId" IN ' || own || ')'),
        ('public."ActivityLog"', 'gate', 'INSERT', NULL, '"projectId" IS NULL'),
        ('turbobackend.project_actions', 'owner', 'SELECT', 'project_id IN ' || history, NULL),
        ('turbobackend.project_actions', 'owner', 'INSERT', NULL,
            'project_id IN ' || own || ' AND (user_id IS NULL OR user_id = ' || me || '::text)'),
        ('turbobackend.project_actions', 'worker', 'SELECT', 'project_id IN ' || reported_text, NULL),
        ('turbobackend.project_actions', 'worker', 'INSERT', NULL, 'project_id IN ' || reported_text),
        ('turbobackend.action_references', 'owner', 'SELECT', 'project_id IN ' || history, NULL),
        ('turbobackend.action_references', 'worker', 'SELECT', 'project_id IN ' || reported_text, NULL),
        ('public.job_drafts', 'owner', 'SELECT', 'user_id = ' || me, NULL),
        ('public.job_drafts', 'owner', 'INSERT', NULL, 'user_id = ' || me),
        ('public.job_drafts', 'owner', 'UPDATE', 'user_id = ' || me, 'user_id = ' || me),
        ('public.job_drafts', 'guest', 'SELECT', 'user_id IS NULL AND session_id = ' || visitor, NULL),
        ('public.job_drafts', 'guest', 'INSERT', NULL, 'user_id IS NULL AND session_id = ' || visitor),
        ('public.job_drafts', 'guest', 'UPDATE', 'user_id IS NULL AND session_id = ' || visitor,
            'user_id IS NULL AND session_id = ' || visitor),
        ('public.analytics', 'owner', 'SELECT', 'user_id = ' || me, NULL),
        ('public.analytics', 'owner', 'INSERT', NULL, 'user_id = ' || me),
        ('public.analytics', 'guest', 'SELECT', 'user_id IS NULL AND session_id = ' || visitor, NULL),
        ('public.analytics', 'guest', 'INSERT', NULL, 'user_id IS NULL AND session_id = ' || visitor),
        ('public.ghl_opportunities', 'owner', 'SELECT',
            'job_draft_id IN (SELECT d.id FROM public.job_drafts d WHERE d.user_id = ' || me || ')', NULL),
        ('public.ai_assistant_sessions', 'owner', 'SELECT', 'user_id = ' || me, NULL),
        ('public.ai_assistant_sessions', 'owner', 'INSERT', NULL, 'user_id = ' || me),
        ('public.ai_assistant_sessions', 'owner', 'UPDATE', 'user_id = ' || me, 'user_id = ' || me),
        ('public.ai_assistant_sessions', 'guest', 'SELECT', 'user_id IS NULL AND session_id = ' || visitor, NULL),
        ('public.ai_assistant_sessions', 'guest', 'INSERT', NULL, 'user_id IS NULL AND session_id = ' || visitor),
        ('public.ai_assistant_sessions', 'guest', 'UPDATE', 'user_id IS NULL AND session_id = ' || visitor,
            'user_id IS NULL AND session_id = ' || visitor),
        -- A spooled action is recorded later with an admin's rights: it may name no project that its writer could not.
        ('pilothouse.action_spool', 'owner', 'INSERT', NULL,
            'payload->>''project_id'' IS NULL OR payload->>''project_id'' IN ' || own),
        ('pilothouse.action_spool', 'worker', 'INSERT', NULL,
            'payload->>''project_id'' IS NULL OR payload->>''project_id'' IN ' || reported_text),
        ('pilothouse.action_spool', 'guest', 'INSERT', NULL, 'payload->>''project_id'' IS NULL'),
        ('pilothouse.action_spool', 'gate', 'INSERT', NULL, 'payload->>''project_id'' IS NULL'),
        ('pilothouse.recording_gaps', 'owner', 'SELECT', 'project_id IN ' || history, NULL),
        ('pilothouse.password_links', 'gate', 'ALL', 'true', 'true'),
        ('pilothouse.api_tokens', 'owner', 'SELECT', 'created_by = ' || me, NULL),
        ('pilothouse.api_tokens', 'owner', 'INSERT', NULL, 'created_by = ' || me),
        ('pilothouse.api_tokens', 'owner', 'UPDATE', 'created_by = ' || me, 'created_by = ' || me || ' AND revoked_at IS NOT NULL'),
        ('pilothouse.api_tokens', 'gate', 'ALL', 'true', 'true'),
        ('pilothouse.api_token_projects', 'owner', 'SELECT',
            'token_id IN (SELECT t.id FROM pilothouse.api_tokens t WHERE t.created_by = ' || me || ')', NULL),
        ('pilothouse.api_token_projects', 'owner', 'INSERT', NULL,
            'token_id IN (SELECT t.id FROM pilothouse.api_tokens t WHERE t.created_by = ' || me || ')
             AND project_id IN (SELECT p.id FROM public.projects p WHERE p.user_id = ' || me || ')'),
        ('pilothouse.api_token_projects', 'worker', 'SELECT', 'token_id = (SELECT pilothouse.app_token_id())', NULL),
        ('pilothouse.tombstones', 'owner', 'SELECT', 'owner_id = ' || me, NULL),
        ('pilothouse.sign_in_failures', 'gate', 'ALL', 'true', 'true'),
        ('pilothouse.daily_activity', 'owner', 'SELECT', 'project_id IN ' || history, NULL)
    ) AS t(target, role, command, seen, written)
    UNION ALL
    SELECT 'turbobackend.' || f.name, r.role, r.command,
           CASE WHEN r.command <> 'INSERT' THEN r.rows END, CASE WHEN r.command <> 'SELECT' THEN r.rows END
    FROM unnest(ARRAY['github_push_history', 'project_deployments', 'container_sessions',
                      'project_databases', 'message_cost_tracker']) AS f(name)
    CROSS JOIN (VALUES ('owner', 'SELECT', 'project_id IN ' || history),
                       ('worker', 'SELECT', 'project_id IN ' || reported_text),
                       ('worker', 'INSERT', 'project_id IN ' || reported_text),
                       ('worker', 'UPDATE', 'project_id IN ' || reported_text)) AS r(role, command, rows)
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON %s', p.role || '_' || lower(p.command COLLATE "C"), p.target);
        EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %I', p.role || '_' || lower(p.command COLLATE "C"), p.target, p.command,
                       'pilothouse_' || p.role)
            || coalesce(' USING (' || p.seen || ')', '') || coalesce(' WITH CHECK (' || p.written || ')', '');
    END LOOP;
END
$$;

-- Admin. Passwords and hashes of tokens can be set, never read; the record is appended to, never edited.
GRANT SELECT (id, id_text, email, name, avatar_url, created_at, updated_at, last_login, is_active, role, time_zone, theme),
      INSERT, UPDATE (email, name, avatar_url, updated_at, is_active, role, time_zone, theme, password_hash)
    ON public.users TO pilothouse_admin;
GRANT SELECT (id, user_id, expires_at, created_at, last_activity, ip_address, user_agent, is_active),
      UPDATE (is_active), DELETE ON public.sessions TO pilothouse_admin;
GRANT SELECT, INSERT, UPDATE ON public.containers, public.projects, public."ActivityEvent",
    turbobackend.github_push_history, turbobackend.project_deployments, turbobackend.container_sessions,
    turbobackend.project_databases, turbobackend.message_cost_tracker TO pilothouse_admin;
GRANT SELECT, INSERT ON public."ActivityLog", turbobackend.project_actions TO pilothouse_admin;
GRANT SELECT ON turbobackend.action_references, pilothouse.trigger_failures, pilothouse.tombstones,
    public.active_containers, public.user_projects TO pilothouse_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.chat_messages, public.file_storage, public.job_drafts,
    public.analytics, public.ghl_opportunities, public.ai_assistant_sessions, pilothouse.action_spool,
    pilothouse.recording_gaps, pilothouse.api_token_projects, pilothouse.daily_activity TO pilothouse_admin;
GRANT SELECT (user_id, created_by, created_at, expires_at, used_at), INSERT, UPDATE (used_at), DELETE
    ON pilothouse.password_links TO pilothouse_admin;
GRANT SELECT (id, name, created_by, created_at, expires_at, last_used_at, revoked_at), INSERT,
      UPDATE (name, expires_at, revoked_at), DELETE ON pilothouse.api_tokens TO pilothouse_admin;
GRANT SELECT, DELETE ON pilothouse.sign_in_failures TO pilothouse_admin;

-- Owner. Ids of projects are the database's to choose: a chosen one could claim the record of a deleted project.
GRANT SELECT (id, id_text, email, name, avatar_url, created_at, updated_at, last_login, is_active, role, time_zone, theme),
      UPDATE (name, avatar_url, time_zone, theme, updated_at) ON public.users TO pilothouse_owner;
GRANT SELECT (id, user_id, expires_at, created_at, last_activity, ip_address, user_agent, is_active),
      UPDATE (is_active) ON public.sessions TO pilothouse_owner;
GRANT SELECT, UPDATE (name, status, started_at, stopped_at, updated_at, observed_at, observed_from, engine_status)
    ON public.containers TO pilothouse_owner;
GRANT SELECT, INSERT (container_id, name, description, type, status, user_id, metadata, settings),
      UPDATE (container_id, name, description, type, status, metadata, settings, updated_at)
    ON public.projects TO pilothouse_owner;
GRANT SELECT, INSERT ON public.chat_messages, turbobackend.project_actions, public.analytics TO pilothouse_owner;
GRANT SELECT, INSERT, UPDATE (file_path, file_name, file_size, mime_type, updated_at, is_deleted)
    ON public.file_storage TO pilothouse_owner;
GRANT SELECT, INSERT, UPDATE (title, description, metadata, status, duration, "updatedAt")
    ON public."ActivityEvent" TO pilothouse_owner;
GRANT SELECT (id, "projectId", "userId", "activityType", description, metadata, "createdAt", "actorName", "actorEmail",
              "actorRole", "actingAdminId", "targetType", "targetId", "targetName", "requestId"),
      INSERT ON public."ActivityLog" TO pilothouse_owner;
GRANT SELECT, INSERT, UPDATE ON public.job_drafts, public.ai_assistant_sessions TO pilothouse_owner;
GRANT SELECT ON public.ghl_opportunities, turbobackend.action_references, turbobackend.github_push_history,
    turbobackend.project_deployments, turbobackend.container_sessions, turbobackend.project_databases,
    turbobackend.message_cost_tracker, pilothouse.recording_gaps, pilothouse.tombstones, pilothouse.daily_activity,
    public.active_containers, public.user_projects TO pilothouse_owner;
GRANT SELECT (id, name, created_by, created_at, expires_at, last_used_at, revoked_at), INSERT, UPDATE (revoked_at)
    ON pilothouse.api_tokens TO pilothouse_owner;
GRANT SELECT, INSERT ON pilothouse.api_token_projects TO pilothouse_owner;

-- Worker.
GRANT SELECT ON public.projects, public.containers, turbobackend.action_references, pilothouse.api_token_projects
    TO pilothouse_worker;
GRANT SELECT, INSERT ON turbobackend.project_actions TO pilothouse_worker;
GRANT SELECT, INSERT, UPDATE ON public."ActivityEvent", turbobackend.github_push_history,
    turbobackend.project_deployments, turbobackend.container_sessions, turbobackend.project_databases,
    turbobackend.message_cost_tracker TO pilothouse_worker;

-- Guest.
GRANT SELECT, INSERT, UPDATE ON public.job_drafts, public.ai_assistant_sessions TO pilothouse_guest;
GRANT SELECT, INSERT ON public.analytics TO pilothouse_guest;

-- Gate: finds out who somebody is, signs them in and sets their password.
GRANT SELECT, UPDATE (password_hash, last_login, updated_at) ON public.users TO pilothouse_gate;
GRANT SELECT, INSERT, UPDATE (last_activity, is_active) ON public.sessions TO pilothouse_gate;
GRANT SELECT, UPDATE (used_at) ON pilothouse.password_links TO pilothouse_gate;
GRANT SELECT, UPDATE (last_used_at) ON pilothouse.api_tokens TO pilothouse_gate;
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.sign_in_failures TO pilothouse_gate;
GRANT INSERT ON public."ActivityLog" TO pilothouse_gate;

-- Whoever acts can leave what could not be recorded.
GRANT INSERT ON pilothouse.action_spool TO pilothouse_owner, pilothouse_worker, pilothouse_guest, pilothouse_gate;

-- Adopted tables may number their rows by a sequence instead of an identity, which asks for a right of its own.
DO $$
DECLARE
    numbered text;
    counter text;
BEGIN
    FOREACH numbered IN ARRAY ARRAY['public.job_drafts', 'public.analytics', 'public.ghl_opportunities'] LOOP
        counter := pg_get_serial_sequence(numbered, 'id');
        IF counter IS NOT NULL THEN
            EXECUTE format('GRANT USAGE ON SEQUENCE %s TO pilothouse_admin, pilothouse_owner, pilothouse_guest', counter);
        END IF;
    END LOOP;
END
$$;
