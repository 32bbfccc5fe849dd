DROP INDEX IF EXISTS turbobackend.project_actions_failed_idx, public."ActivityEvent_failed_idx";
