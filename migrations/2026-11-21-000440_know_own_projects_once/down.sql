DO $$
DECLARE
    history CONSTANT text := '(SELECT p.id_text FROM public.projects p WHERE p.user_id = (SELECT pilothouse.app_user_id())
        UNION ALL SELECT t.id FROM pilothouse.tombstones t
        WHERE t.kind = ''project'' AND t.owner_id = (SELECT pilothouse.app_user_id()))';
    held record;
BEGIN
    FOR held IN SELECT * FROM (VALUES
        ('turbobackend.project_actions', 'project_id'), ('turbobackend.action_references', 'project_id'),
        ('public."ActivityEvent"', '"projectId"'), ('public."ActivityLog"', '"projectId"'),
        ('pilothouse.recording_gaps', 'project_id'), ('pilothouse.daily_activity', 'project_id'),
        ('pilothouse.held_words', 'project_id')) h (target, project)
    LOOP
        EXECUTE format('ALTER POLICY owner_select ON %s USING (%s IN %s)', held.target, held.project, history);
    END LOOP;
END
$$;
DROP FUNCTION IF EXISTS pilothouse.app_projects();
