DO $$
DECLARE
    me CONSTANT text := '(SELECT pilothouse.app_user_id())';
    own CONSTANT text := format('(SELECT p.id_text FROM public.projects p WHERE p.user_id = %s)', me);
    reported CONSTANT text := '(SELECT tp.project_id::text FROM pilothouse.api_token_projects tp
        WHERE tp.token_id = (SELECT pilothouse.app_token_id()))';
    p record;
BEGIN
    FOR p IN SELECT * FROM (VALUES
        ('pilothouse.action_spool', 'owner_insert',
            'payload->>''project_id'' IS NULL OR payload->>''project_id'' IN ' || own),
        ('pilothouse.action_spool', 'worker_insert',
            'payload->>''project_id'' IS NULL OR payload->>''project_id'' IN ' || reported),
        ('pilothouse.action_spool', 'guest_insert', 'payload->>''project_id'' IS NULL'),
        ('pilothouse.action_spool', 'gate_insert', 'payload->>''project_id'' IS NULL'),
        ('public."ActivityLog"', 'owner_insert',
            '"userId" = ' || me || '::text AND "actingAdminId" IS NULL AND ("projectId" IS NULL OR "projectId" IN ' || own || ')'),
        ('public.analytics', 'owner_insert', 'user_id = ' || me),
        ('public.analytics', 'guest_insert', 'user_id IS NULL AND session_id = (SELECT pilothouse.app_guest_session())')
    ) AS t(target, name, written)
    LOOP
        EXECUTE format('ALTER POLICY %I ON %s WITH CHECK (%s)', p.name, p.target, p.written);
    END LOOP;
END
$$;
GRANT INSERT ON pilothouse.action_spool TO pilothouse_owner, pilothouse_worker, pilothouse_guest, pilothouse_gate;
REVOKE INSERT (action_id, payload, last_error) ON pilothouse.action_spool
    FROM pilothouse_owner, pilothouse_worker, pilothouse_guest, pilothouse_gate;
