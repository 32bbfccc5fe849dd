-- Six tables ask for each statement whose projects these are. Written into each policy, the question brought a dozen
-- steps with it to every table of a plan; as a function it is one step, and its own plan is kept.
CREATE OR REPLACE FUNCTION pilothouse.app_projects() RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT p.id_text FROM public.projects p WHERE p.user_id = pilothouse.app_user_id()
    UNION ALL
    SELECT t.id FROM pilothouse.tombstones t WHERE t.kind = 'project' AND t.owner_id = pilothouse.app_user_id();
END
$$;
COMMENT ON FUNCTION pilothouse.app_projects() IS 'The ids of the projects whose history the user of this transaction may see: their own, and those of theirs whose row is gone.';
REVOKE ALL ON FUNCTION pilothouse.app_projects() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.app_projects() TO pilothouse_owner;

ALTER POLICY owner_select ON turbobackend.project_actions USING (project_id IN (SELECT p FROM pilothouse.app_projects() p));
ALTER POLICY owner_select ON turbobackend.action_references USING (project_id IN (SELECT p FROM pilothouse.app_projects() p));
-- An event goes with its project's row, so that what is gone has none.
ALTER POLICY owner_select ON public."ActivityEvent" USING ("projectId" IN (SELECT p FROM pilothouse.app_projects() p));
ALTER POLICY owner_select ON public."ActivityLog" USING ("projectId" IN (SELECT p FROM pilothouse.app_projects() p));
ALTER POLICY owner_select ON pilothouse.recording_gaps USING (project_id IN (SELECT p FROM pilothouse.app_projects() p));
ALTER POLICY owner_select ON pilothouse.daily_activity USING (project_id IN (SELECT p FROM pilothouse.app_projects() p));
ALTER POLICY owner_select ON pilothouse.held_words USING (project_id IN (SELECT p FROM pilothouse.app_projects() p));
