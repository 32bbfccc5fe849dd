-- As 000109, 000571 and 000700 left them.
DO $$
DECLARE
    reported CONSTANT text := '(SELECT tp.project_id FROM pilothouse.api_token_projects tp
        WHERE tp.token_id = (SELECT pilothouse.app_token_id()))';
    reported_text CONSTANT text := '(SELECT tp.project_id::text FROM pilothouse.api_token_projects tp
        WHERE tp.token_id = (SELECT pilothouse.app_token_id()))';
    name text;
BEGIN
    EXECUTE 'ALTER POLICY worker_select ON public.projects USING (id IN ' || reported || ')';
    EXECUTE 'ALTER POLICY worker_select ON public.containers USING (id IN (SELECT p.container_id FROM public.projects p WHERE p.id IN ' || reported || '))';
    EXECUTE 'ALTER POLICY worker_select ON pilothouse.timeline USING (project_id IN ' || reported || ' AND source <> ''audit'')';
    EXECUTE 'ALTER POLICY worker_select ON public."ActivityEvent" USING ("projectId" IN ' || reported_text || ')';
    EXECUTE 'ALTER POLICY worker_insert ON public."ActivityEvent" WITH CHECK ("projectId" IN ' || reported_text || ')';
    EXECUTE 'ALTER POLICY worker_update ON public."ActivityEvent" USING ("projectId" IN ' || reported_text || ') WITH CHECK ("projectId" IN ' || reported_text || ')';
    EXECUTE 'ALTER POLICY worker_select ON turbobackend.action_references USING (project_id IN ' || reported_text || ')';
    EXECUTE 'ALTER POLICY worker_select ON turbobackend.project_actions USING (project_id IN ' || reported_text || ')';
    EXECUTE 'ALTER POLICY worker_insert ON turbobackend.project_actions WITH CHECK (project_id IN ' || reported_text || ')';
    EXECUTE 'ALTER POLICY worker_insert ON pilothouse.action_spool WITH CHECK (payload->>''project_id'' IN ' || reported_text || ')';
    FOREACH name IN ARRAY ARRAY['github_push_history', 'project_deployments', 'container_sessions', 'project_databases', 'message_cost_tracker'] LOOP
        EXECUTE format('ALTER POLICY worker_select ON turbobackend.%I USING (project_id IN %s)', name, reported_text);
        EXECUTE format('ALTER POLICY worker_insert ON turbobackend.%I WITH CHECK (project_id IN %s)', name, reported_text);
        EXECUTE format('ALTER POLICY worker_update ON turbobackend.%I USING (project_id IN %s) WITH CHECK (project_id IN %s)', name, reported_text, reported_text);
        EXECUTE format('DROP POLICY owner_insert ON turbobackend.%I', name);
        EXECUTE format('DROP POLICY owner_update ON turbobackend.%I', name);
        EXECUTE format('REVOKE INSERT, UPDATE ON turbobackend.%I FROM pilothouse_owner', name);
    END LOOP;
END
$$;
DROP POLICY worker_select ON pilothouse.api_tokens;
ALTER POLICY owner_insert ON pilothouse.api_tokens WITH CHECK (created_by = (SELECT pilothouse.app_user_id()));
REVOKE SELECT (id, name, scopes, all_projects, created_by, last_used_at) ON pilothouse.api_tokens FROM pilothouse_worker;
DROP TABLE IF EXISTS pilothouse.reports, pilothouse.idempotency_keys;
DROP FUNCTION IF EXISTS pilothouse.app_principal(), pilothouse.app_token_projects(text);
CREATE OR REPLACE FUNCTION pilothouse.token_actor(token_hash text)
RETURNS TABLE (token_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT t.id FROM pilothouse.api_tokens t
    WHERE t.hash = token_hash AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now());
END
$$;
COMMENT ON FUNCTION pilothouse.token_actor(text) IS 'Which live API token this is, by its SHA-256.';
COMMENT ON COLUMN pilothouse.api_tokens.created_by IS NULL;
DROP INDEX IF EXISTS pilothouse.api_tokens_created_at_idx;
ALTER TABLE pilothouse.api_tokens DROP COLUMN scopes, DROP COLUMN all_projects, DROP COLUMN last_used_ip;
