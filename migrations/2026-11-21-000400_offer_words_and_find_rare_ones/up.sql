-- A page filtered by a word that is rare in its project walked all of the project; what goes on was looked for among
-- everything of the last day. A statement's plan no longer depends on its values, so each question has its index.
CREATE INDEX IF NOT EXISTS project_actions_project_type_idx ON turbobackend.project_actions
    (project_id, action_type, created_at DESC, action_id COLLATE "C" DESC);
CREATE INDEX IF NOT EXISTS project_actions_project_status_idx ON turbobackend.project_actions
    (project_id, status, created_at DESC, action_id COLLATE "C" DESC);
CREATE INDEX IF NOT EXISTS project_actions_project_user_idx ON turbobackend.project_actions
    (project_id, user_id, created_at DESC, action_id COLLATE "C" DESC);
CREATE INDEX IF NOT EXISTS project_actions_project_running_idx ON turbobackend.project_actions
    (project_id, created_at DESC, action_id COLLATE "C" DESC)
    WHERE status IN ('running', 'RUNNING', 'Running', 'in_progress', 'IN_PROGRESS', 'In_progress', 'pending', 'PENDING', 'Pending');
CREATE INDEX IF NOT EXISTS "ActivityEvent_project_user_timeline_idx" ON public."ActivityEvent"
    ("projectId", "userId", "createdAt" DESC, id COLLATE "C" DESC);
-- Labels are compared by a function that the planner does not trust with rows that policies guard, so that it knows
-- nothing of how many hold one: only an index that leaves no condition open is sure to be taken.
CREATE INDEX IF NOT EXISTS "ActivityEvent_type_timeline_idx" ON public."ActivityEvent"
    ("eventType", "createdAt" DESC, id COLLATE "C" DESC);
CREATE INDEX IF NOT EXISTS "ActivityEvent_running_timeline_idx" ON public."ActivityEvent"
    ("createdAt" DESC, id COLLATE "C" DESC) WHERE status = 'IN_PROGRESS';
CREATE INDEX IF NOT EXISTS "ActivityEvent_failed_timeline_idx" ON public."ActivityEvent"
    ("createdAt" DESC, id COLLATE "C" DESC) WHERE status = 'FAILED';
CREATE INDEX IF NOT EXISTS "ActivityLog_project_user_timeline_idx" ON public."ActivityLog"
    ("projectId", "userId", "createdAt" DESC, id COLLATE "C" DESC);
CREATE INDEX IF NOT EXISTS "ActivityLog_project_type_timeline_idx" ON public."ActivityLog"
    ("projectId", "activityType", "createdAt" DESC, id COLLATE "C" DESC);
COMMENT ON INDEX turbobackend.project_actions_project_type_idx IS 'A project''s timeline by type, page by page.';
COMMENT ON INDEX turbobackend.project_actions_project_status_idx IS 'A project''s timeline by status, page by page.';
COMMENT ON INDEX turbobackend.project_actions_project_user_idx IS 'A project''s timeline by actor, page by page.';
COMMENT ON INDEX turbobackend.project_actions_project_running_idx IS 'What goes on in a project. The words are those of activity::status::RUNNING.';
COMMENT ON INDEX public."ActivityEvent_project_user_timeline_idx" IS 'A project''s timeline by actor, page by page.';
COMMENT ON INDEX public."ActivityEvent_type_timeline_idx" IS 'The timeline of everything by type, page by page.';
COMMENT ON INDEX public."ActivityEvent_running_timeline_idx" IS 'What goes on everywhere.';
COMMENT ON INDEX public."ActivityEvent_failed_timeline_idx" IS 'What failed everywhere.';
COMMENT ON INDEX public."ActivityLog_project_user_timeline_idx" IS 'A project''s timeline by actor, page by page.';
COMMENT ON INDEX public."ActivityLog_project_type_timeline_idx" IS 'A project''s timeline by type, page by page.';

-- What filters offer, gathered by the job that counts days.
CREATE TABLE IF NOT EXISTS pilothouse.held_words (
    project_id TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('type', 'status', 'environment', 'actor')),
    word TEXT NOT NULL,
    last_day DATE NOT NULL,
    PRIMARY KEY (project_id, what, word)
);
CREATE INDEX IF NOT EXISTS held_words_last_day_idx ON pilothouse.held_words (project_id, what, last_day DESC);
COMMENT ON TABLE pilothouse.held_words IS 'The words that a project''s actions hold, for filters to offer. An empty project_id stands for all actions, also those of no project.';
COMMENT ON COLUMN pilothouse.held_words.last_day IS 'The last UTC day that holds it.';
ALTER TABLE pilothouse.held_words ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS admin ON pilothouse.held_words;
CREATE POLICY admin ON pilothouse.held_words TO pilothouse_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS owner_select ON pilothouse.held_words;
CREATE POLICY owner_select ON pilothouse.held_words FOR SELECT TO pilothouse_owner USING (project_id IN (
    SELECT p.id_text FROM public.projects p WHERE p.user_id = (SELECT pilothouse.app_user_id())
    UNION ALL SELECT t.id FROM pilothouse.tombstones t
    WHERE t.kind = 'project' AND t.owner_id = (SELECT pilothouse.app_user_id())));
GRANT SELECT, INSERT, UPDATE, DELETE ON pilothouse.held_words TO pilothouse_admin;
GRANT SELECT ON pilothouse.held_words TO pilothouse_owner;
-- Everything is counted once more, and its words gathered.
UPDATE pilothouse.rollups SET recounted_at = NULL WHERE name = 'activity';
