DROP TRIGGER IF EXISTS project_actions_mark_insert ON turbobackend.project_actions;
DROP TRIGGER IF EXISTS project_actions_mark_delete ON turbobackend.project_actions;
DROP TRIGGER IF EXISTS project_actions_mark_update ON turbobackend.project_actions;
DROP TRIGGER IF EXISTS project_actions_mark_truncate ON turbobackend.project_actions;
DROP TRIGGER IF EXISTS "ActivityEvent_mark_insert" ON public."ActivityEvent";
DROP TRIGGER IF EXISTS "ActivityEvent_mark_delete" ON public."ActivityEvent";
DROP TRIGGER IF EXISTS "ActivityEvent_mark_update" ON public."ActivityEvent";
DROP TRIGGER IF EXISTS "ActivityEvent_mark_truncate" ON public."ActivityEvent";
DROP TRIGGER IF EXISTS "ActivityLog_mark_insert" ON public."ActivityLog";
DROP TRIGGER IF EXISTS "ActivityLog_mark_delete" ON public."ActivityLog";
DROP TRIGGER IF EXISTS "ActivityLog_mark_update" ON public."ActivityLog";
DROP TRIGGER IF EXISTS "ActivityLog_mark_truncate" ON public."ActivityLog";
DROP FUNCTION IF EXISTS pilothouse.mark_action_days(), pilothouse.mark_moved_action(), pilothouse.mark_entry_days(),
    pilothouse.mark_moved_entry(), pilothouse.recount_everything();
DROP TABLE IF EXISTS pilothouse.daily_activity, pilothouse.daily_totals, pilothouse.recount_marks, pilothouse.rollups;

CREATE TABLE pilothouse.daily_activity (
    project_id TEXT NOT NULL DEFAULT '',
    day DATE NOT NULL,
    type TEXT NOT NULL,
    count BIGINT NOT NULL,
    as_of TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, day, type)
);
CREATE INDEX daily_activity_day_idx ON pilothouse.daily_activity(day);
COMMENT ON TABLE pilothouse.daily_activity IS 'Actions a project, UTC day and type, rolled up by a job: nothing counts over the timeline while a page waits. An empty project_id stands for none.';
ALTER TABLE pilothouse.daily_activity ENABLE ROW LEVEL SECURITY;
CREATE POLICY admin ON pilothouse.daily_activity TO pilothouse_admin USING (true) WITH CHECK (true);
CREATE POLICY owner_select ON pilothouse.daily_activity FOR SELECT TO pilothouse_owner USING (project_id IN (
    SELECT p.id_text FROM public.projects p WHERE p.user_id = (SELECT pilothouse.app_user_id())
    UNION ALL SELECT t.id FROM pilothouse.tombstones t
    WHERE t.kind = 'project' AND t.owner_id = (SELECT pilothouse.app_user_id())));
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.daily_activity TO pilothouse_admin;
GRANT SELECT ON pilothouse.daily_activity TO pilothouse_owner;
