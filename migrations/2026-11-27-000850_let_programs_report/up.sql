-- Programs report over the API with a token: what a token may do and where, who reported what, and retries that change nothing.

ALTER TABLE pilothouse.api_tokens
    ADD COLUMN IF NOT EXISTS scopes TEXT[] NOT NULL DEFAULT '{read,report}',
    ADD COLUMN IF NOT EXISTS all_projects BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS last_used_ip INET;
ALTER TABLE pilothouse.api_tokens DROP CONSTRAINT IF EXISTS api_tokens_scopes_check;
ALTER TABLE pilothouse.api_tokens ADD CONSTRAINT api_tokens_scopes_check CHECK (scopes <@ ARRAY['read', 'report', 'operate']);
CREATE INDEX IF NOT EXISTS api_tokens_created_at_idx ON pilothouse.api_tokens(created_at DESC, id DESC);
COMMENT ON COLUMN pilothouse.api_tokens.scopes IS 'What it may do: read, report, operate.';
COMMENT ON COLUMN pilothouse.api_tokens.all_projects IS 'Every project, also later ones, for as long as its maker is an admin.';
COMMENT ON COLUMN pilothouse.api_tokens.created_by IS 'Whose rights it has: it works while they are active, in projects that they still own. Without one it is the console''s own.';

CREATE OR REPLACE FUNCTION pilothouse.token_actor(token_hash text)
RETURNS TABLE (token_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT t.id FROM pilothouse.api_tokens t LEFT JOIN public.users u ON u.id = t.created_by
    WHERE t.hash = token_hash AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
      AND (t.created_by IS NULL OR u.is_active)
      AND (NOT t.all_projects OR t.created_by IS NULL OR u.role = 'admin');
END
$$;
COMMENT ON FUNCTION pilothouse.token_actor(text) IS 'Which live API token this is, by its SHA-256; its maker must be active.';

CREATE OR REPLACE FUNCTION pilothouse.app_token_projects(needed text) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token record;
BEGIN
    SELECT t.id, t.all_projects, t.created_by, t.created_by IS NULL OR u.role = 'admin' AS of_admin INTO token
    FROM pilothouse.api_tokens t LEFT JOIN public.users u ON u.id = t.created_by
    WHERE t.id = pilothouse.app_token_id() AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
      AND (t.created_by IS NULL OR u.is_active) AND (needed IS NULL OR needed = ANY (t.scopes));
    IF token.id IS NULL THEN
        RETURN;
    ELSIF token.all_projects THEN
        RETURN QUERY SELECT p.id FROM public.projects p WHERE token.of_admin;
    ELSE
        RETURN QUERY SELECT p.id FROM pilothouse.api_token_projects tp JOIN public.projects p ON p.id = tp.project_id
        WHERE tp.token_id = token.id AND (token.of_admin OR p.user_id = token.created_by);
    END IF;
END
$$;
COMMENT ON FUNCTION pilothouse.app_token_projects(text) IS 'The projects of this transaction''s token, as far as its maker still has them; none when it lacks the scope.';

CREATE TABLE IF NOT EXISTS pilothouse.reports (
    source TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    token_id UUID,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    PRIMARY KEY (source, id)
);
CREATE INDEX IF NOT EXISTS reports_token_id_idx ON pilothouse.reports(token_id, received_at DESC) WHERE token_id IS NOT NULL;
COMMENT ON TABLE pilothouse.reports IS 'What was reported over the API: by which token (none: somebody who was signed in) and when it was received, whatever its own time says.';
COMMENT ON COLUMN pilothouse.reports.source IS 'action or event as in the timeline; push, deployment, database, session or cost for the records behind references.';

CREATE TABLE IF NOT EXISTS pilothouse.idempotency_keys (
    principal TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    request_hash TEXT NOT NULL,
    status SMALLINT,
    answer TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, key)
);
CREATE INDEX IF NOT EXISTS idempotency_keys_created_at_idx ON pilothouse.idempotency_keys(created_at);
COMMENT ON TABLE pilothouse.idempotency_keys IS 'Answers of the last 48 hours, so that a retry gets the same one; written in the transaction of what was reported.';
COMMENT ON COLUMN pilothouse.idempotency_keys.principal IS 'token: or user: and the id. Keys of others are others.';

CREATE OR REPLACE FUNCTION pilothouse.app_principal() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce('token:' || pilothouse.app_token_id(), 'user:' || pilothouse.app_user_id());
COMMENT ON FUNCTION pilothouse.app_principal() IS 'Whose keys this transaction may use.';

DO $$
DECLARE
    me CONSTANT text := '(SELECT pilothouse.app_user_id())';
    own CONSTANT text := format('(SELECT p.id_text FROM public.projects p WHERE p.user_id = %s)', me);
    any_scope CONSTANT text := '(SELECT p FROM pilothouse.app_token_projects(NULL) p)';
    seen CONSTANT text := '(SELECT p::text FROM pilothouse.app_token_projects(NULL) p)';
    written CONSTANT text := '(SELECT p::text FROM pilothouse.app_token_projects(''report'') p)';
    target text;
    p record;
BEGIN
    FOREACH target IN ARRAY ARRAY['pilothouse.reports', 'pilothouse.idempotency_keys'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('DROP POLICY IF EXISTS admin ON %s', target);
        EXECUTE format('CREATE POLICY admin ON %s TO pilothouse_admin USING (true) WITH CHECK (true)', target);
    END LOOP;
    FOR p IN
        SELECT * FROM (VALUES
            ('public.projects', 'worker', 'SELECT', 'id IN ' || any_scope, NULL),
            ('public.containers', 'worker', 'SELECT',
                'id IN (SELECT p.container_id FROM public.projects p WHERE p.id IN ' || any_scope || ')', NULL),
            ('public."ActivityEvent"', 'worker', 'SELECT', '"projectId" IN ' || seen, NULL),
            ('public."ActivityEvent"', 'worker', 'INSERT', NULL, '"projectId" IN ' || written),
            ('public."ActivityEvent"', 'worker', 'UPDATE', '"projectId" IN ' || written, '"projectId" IN ' || written),
            ('turbobackend.project_actions', 'worker', 'SELECT', 'project_id IN ' || seen, NULL),
            ('turbobackend.project_actions', 'worker', 'INSERT', NULL, 'project_id IN ' || written),
            ('turbobackend.action_references', 'worker', 'SELECT', 'project_id IN ' || seen, NULL),
            ('pilothouse.action_spool', 'worker', 'INSERT', NULL, 'payload->>''project_id'' IN ' || written),
            ('pilothouse.timeline', 'worker', 'SELECT', 'project_id IN ' || any_scope || ' AND source <> ''audit''', NULL),
            ('pilothouse.api_tokens', 'worker', 'SELECT', 'id = (SELECT pilothouse.app_token_id())', NULL),
            -- What every project holds is for admins to give away.
            ('pilothouse.api_tokens', 'owner', 'INSERT', NULL, 'created_by = ' || me || ' AND NOT all_projects'),
            ('pilothouse.reports', 'worker', 'SELECT', 'token_id = (SELECT pilothouse.app_token_id())', NULL),
            ('pilothouse.reports', 'worker', 'INSERT', NULL, 'token_id = (SELECT pilothouse.app_token_id())'),
            ('pilothouse.reports', 'owner', 'SELECT',
                'EXISTS (SELECT FROM pilothouse.timeline t WHERE t.source = reports.source AND t.id = reports.id)', NULL),
            ('pilothouse.reports', 'owner', 'INSERT', NULL, 'token_id IS NULL'),
            ('pilothouse.idempotency_keys', 'worker', 'ALL', 'principal = (SELECT pilothouse.app_principal())', 'principal = (SELECT pilothouse.app_principal())'),
            ('pilothouse.idempotency_keys', 'owner', 'ALL', 'principal = (SELECT pilothouse.app_principal())', 'principal = (SELECT pilothouse.app_principal())')
        ) AS t(target, role, command, seen, written)
        UNION ALL
        SELECT 'turbobackend.' || f.name, r.role, r.command,
               CASE WHEN r.command <> 'INSERT' THEN r.rows END, CASE WHEN r.command <> 'SELECT' THEN r.rows END
        FROM unnest(ARRAY['github_push_history', 'project_deployments', 'container_sessions',
                          'project_databases', 'message_cost_tracker']) AS f(name)
        CROSS JOIN (VALUES ('worker', 'SELECT', 'project_id IN ' || seen),
                           ('worker', 'INSERT', 'project_id IN ' || written),
                           ('worker', 'UPDATE', 'project_id IN ' || written),
                           ('owner', 'INSERT', 'project_id IN ' || own || ' AND (user_id IS NULL OR user_id = ' || me || '::text)'),
                           ('owner', 'UPDATE', 'project_id IN ' || own || ' AND (user_id IS NULL OR user_id = ' || me || '::text)')
             ) AS r(role, command, rows)
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON %s', p.role || '_' || lower(p.command COLLATE "C"), p.target);
        EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %I', p.role || '_' || lower(p.command COLLATE "C"), p.target, p.command,
                       'pilothouse_' || p.role)
            || coalesce(' USING (' || p.seen || ')', '') || coalesce(' WITH CHECK (' || p.written || ')', '');
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION pilothouse.app_token_projects(text), pilothouse.app_principal() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.app_token_projects(text) TO pilothouse_worker;
GRANT EXECUTE ON FUNCTION pilothouse.app_principal() TO pilothouse_admin, pilothouse_owner, pilothouse_worker;
GRANT SELECT (scopes, all_projects, last_used_ip) ON pilothouse.api_tokens TO pilothouse_admin, pilothouse_owner;
GRANT SELECT (id, name, scopes, all_projects, created_by, last_used_at) ON pilothouse.api_tokens TO pilothouse_worker;
GRANT UPDATE (last_used_ip) ON pilothouse.api_tokens TO pilothouse_gate;
GRANT SELECT, INSERT ON pilothouse.reports TO pilothouse_admin, pilothouse_owner, pilothouse_worker;
GRANT SELECT, INSERT, UPDATE (status, answer) ON pilothouse.idempotency_keys TO pilothouse_admin, pilothouse_owner, pilothouse_worker;
GRANT DELETE ON pilothouse.idempotency_keys TO pilothouse_admin;
GRANT INSERT, UPDATE ON turbobackend.github_push_history, turbobackend.project_deployments, turbobackend.container_sessions,
    turbobackend.project_databases, turbobackend.message_cost_tracker TO pilothouse_owner;
