REVOKE SELECT ON pilothouse.rollups FROM pilothouse_worker;
DROP POLICY IF EXISTS worker_select ON pilothouse.rollups;
DROP TABLE IF EXISTS pilothouse.daily_events;
DROP FUNCTION IF EXISTS pilothouse.app_token_scopes();
