DROP TABLE IF EXISTS pilothouse.held_words;
DROP INDEX IF EXISTS public."ActivityLog_project_type_timeline_idx";
DROP INDEX IF EXISTS public."ActivityLog_project_user_timeline_idx";
DROP INDEX IF EXISTS public."ActivityEvent_project_user_timeline_idx";
DROP INDEX IF EXISTS turbobackend.project_actions_project_running_idx;
DROP INDEX IF EXISTS turbobackend.project_actions_project_user_idx;
DROP INDEX IF EXISTS turbobackend.project_actions_project_status_idx;
DROP INDEX IF EXISTS turbobackend.project_actions_project_type_idx;
