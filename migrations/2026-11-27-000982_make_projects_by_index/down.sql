DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_catalog.pg_proc p
             WHERE p.pronamespace = 'pilothouse'::regnamespace AND 'jit=off' = ANY (p.proconfig)
    LOOP
        EXECUTE format('ALTER FUNCTION %s RESET jit', f);
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION pilothouse.mend_project_activity(only_of uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO pilothouse.project_activity AS l (project_id, owner_id, at)
    SELECT p.id, p.user_id, coalesce((SELECT t.at FROM pilothouse.timeline t WHERE t.project_id = p.id AND t.source = 'action'
                                      ORDER BY t.at DESC, t.source DESC, t.id DESC LIMIT 1), 0)
    FROM public.projects p WHERE only_of IS NULL OR p.id = ANY (only_of)
    ON CONFLICT (project_id) DO UPDATE SET owner_id = EXCLUDED.owner_id, at = EXCLUDED.at
        WHERE (l.owner_id, l.at) IS DISTINCT FROM (EXCLUDED.owner_id, EXCLUDED.at)
$$;

CREATE OR REPLACE FUNCTION pilothouse.move_entries(project uuid, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner CONSTANT uuid := pilothouse.project_owner(project);
    moved integer;
BEGIN
    UPDATE pilothouse.timeline t SET owner_id = owner, xid = pg_current_xact_id()
    WHERE (t.source, t.id) IN (SELECT o.source, o.id FROM pilothouse.timeline o
                               WHERE o.project_id = project AND o.owner_id IS DISTINCT FROM owner LIMIT most);
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved;
END
$$;
