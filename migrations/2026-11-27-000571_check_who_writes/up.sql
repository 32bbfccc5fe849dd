-- Each column that names somebody is checked where it is written: a row says what its writer did, nobody else.

DO $$
DECLARE
    me CONSTANT text := '(SELECT pilothouse.app_user_id())';
    visitor CONSTANT text := '(SELECT pilothouse.app_guest_session())';
    own CONSTANT text := format('(SELECT p.id_text FROM public.projects p WHERE p.user_id = %s)', me);
    reported CONSTANT text := '(SELECT tp.project_id::text FROM pilothouse.api_token_projects tp
        WHERE tp.token_id = (SELECT pilothouse.app_token_id()))';
    writer CONSTANT text := format('(SELECT u.email FROM public.users u WHERE u.id = %s)', me);
    p record;
BEGIN
    FOR p IN SELECT * FROM (VALUES
        -- A spooled action is recorded later with an admin's rights: what its writer could not record can't be spooled.
        ('pilothouse.action_spool', 'owner_insert', 'payload->>''project_id'' IN ' || own
            || ' AND (payload->>''user_id'' IS NULL OR payload->>''user_id'' = ' || me || '::text)'),
        ('pilothouse.action_spool', 'worker_insert', 'payload->>''project_id'' IN ' || reported),
        ('pilothouse.action_spool', 'guest_insert',
            'payload->>''project_id'' IS NULL AND payload->>''user_id'' IS NULL'),
        ('pilothouse.action_spool', 'gate_insert',
            'payload->>''project_id'' IS NULL AND payload->>''user_id'' IS NULL'),
        ('public."ActivityLog"', 'owner_insert',
            '"userId" = ' || me || '::text AND "actingAdminId" IS NULL AND ("projectId" IS NULL OR "projectId" IN ' || own || ')'
            || ' AND ("actorRole" IS NULL OR "actorRole" = ''owner'')'
            || ' AND ("actorEmail" IS NULL OR "actorEmail" = ' || writer || ')'),
        ('public.analytics', 'owner_insert', 'user_id = ' || me || ' AND (job_draft_id IS NULL OR job_draft_id IN
            (SELECT d.id FROM public.job_drafts d WHERE d.user_id = ' || me || '))'),
        ('public.analytics', 'guest_insert', 'user_id IS NULL AND session_id = ' || visitor || ' AND (job_draft_id IS NULL
            OR job_draft_id IN (SELECT d.id FROM public.job_drafts d WHERE d.user_id IS NULL AND d.session_id = ' || visitor || '))')
    ) AS t(target, name, written)
    LOOP
        EXECUTE format('ALTER POLICY %I ON %s WITH CHECK (%s)', p.name, p.target, p.written);
    END LOOP;
END
$$;

-- How often it was tried, and since when it waits, is the job's to say.
REVOKE INSERT ON pilothouse.action_spool FROM pilothouse_owner, pilothouse_worker, pilothouse_guest, pilothouse_gate;
GRANT INSERT (action_id, payload, last_error) ON pilothouse.action_spool
    TO pilothouse_owner, pilothouse_worker, pilothouse_guest, pilothouse_gate;
