-- A container without a project has runs too, and its owner reads them.
DROP POLICY IF EXISTS owner_select_own_runs ON turbobackend.container_sessions;
CREATE POLICY owner_select_own_runs ON turbobackend.container_sessions FOR SELECT TO pilothouse_owner
    USING (container_id IN (SELECT c.container_id FROM public.containers c WHERE c.user_id = (SELECT pilothouse.app_user_id())));
