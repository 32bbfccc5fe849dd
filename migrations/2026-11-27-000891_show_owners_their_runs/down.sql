DROP POLICY IF EXISTS owner_select_own_runs ON turbobackend.container_sessions;
