DROP TRIGGER IF EXISTS message_cost_tracker_mark_insert ON turbobackend.message_cost_tracker;
DROP TRIGGER IF EXISTS message_cost_tracker_mark_update_old ON turbobackend.message_cost_tracker;
DROP TRIGGER IF EXISTS message_cost_tracker_mark_update_new ON turbobackend.message_cost_tracker;
DROP TRIGGER IF EXISTS message_cost_tracker_mark_delete ON turbobackend.message_cost_tracker;
DROP TRIGGER IF EXISTS message_cost_tracker_mark_truncate ON turbobackend.message_cost_tracker;
DROP TRIGGER IF EXISTS container_sessions_mark_insert ON turbobackend.container_sessions;
DROP TRIGGER IF EXISTS container_sessions_mark_update_old ON turbobackend.container_sessions;
DROP TRIGGER IF EXISTS container_sessions_mark_update_new ON turbobackend.container_sessions;
DROP TRIGGER IF EXISTS container_sessions_mark_delete ON turbobackend.container_sessions;
DROP TRIGGER IF EXISTS container_sessions_mark_truncate ON turbobackend.container_sessions;
REVOKE EXECUTE ON FUNCTION pilothouse.word_text(text) FROM pilothouse_admin;
DROP FUNCTION IF EXISTS pilothouse.mark_cost_days(), pilothouse.mark_run_days(), pilothouse.recount_insights(),
    pilothouse.runs_of_day(text, date);
DROP TABLE IF EXISTS pilothouse.insight_marks, pilothouse.daily_kinds, pilothouse.daily_costs, pilothouse.run_marks, pilothouse.daily_runs;
DROP INDEX IF EXISTS turbobackend.container_sessions_container_time_idx;
DELETE FROM pilothouse.rollups WHERE name = 'insights';
