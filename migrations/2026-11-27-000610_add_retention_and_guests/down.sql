DROP FUNCTION IF EXISTS pilothouse.enter_guest(text), pilothouse.guest_actor(text);
GRANT DELETE ON public.chat_messages, public.file_storage, public.sessions TO pilothouse_admin;
DROP TABLE IF EXISTS pilothouse.guests;
DROP POLICY IF EXISTS retention_select ON public.chat_messages;
DROP POLICY IF EXISTS retention_delete ON public.chat_messages;
DROP POLICY IF EXISTS retention_select ON public.file_storage;
DROP POLICY IF EXISTS retention_delete ON public.file_storage;
DROP POLICY IF EXISTS retention_select ON public.sessions;
DROP POLICY IF EXISTS retention_delete ON public.sessions;
-- The role belongs to the cluster and may serve other databases: it stays, without rights here.
REVOKE ALL ON public.chat_messages, public.file_storage, public.sessions FROM pilothouse_retention;
REVOKE USAGE ON SCHEMA public, turbobackend, pilothouse FROM pilothouse_retention;
