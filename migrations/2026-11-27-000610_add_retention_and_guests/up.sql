-- Two more actors: retention, which alone may delete what is kept for a time, and guests, who enter by a secret.

DO $$
BEGIN
    IF to_regrole('pilothouse_retention') IS NULL THEN
        -- Roles belong to the whole cluster: another database may be creating it right now.
        BEGIN
            CREATE ROLE pilothouse_retention NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
END
$$;
GRANT USAGE ON SCHEMA public, turbobackend, pilothouse TO pilothouse_retention;

CREATE TABLE IF NOT EXISTS pilothouse.guests (
    hash TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL
);
CREATE INDEX IF NOT EXISTS guests_expires_at_idx ON pilothouse.guests(expires_at);
COMMENT ON TABLE pilothouse.guests IS 'What anonymous visitors of the assistant enter with; hash is the lower-case hexadecimal SHA-256 of the secret.';
COMMENT ON COLUMN pilothouse.guests.session_id IS 'The only session of the assistant that they see (ai_assistant_sessions.session_id).';
ALTER TABLE pilothouse.guests ENABLE ROW LEVEL SECURITY;

-- Retention sees of a row what its age and its fate are told by, and deletes what nobody uses: whatever its rules say,
-- a file that is there and a session that lives stay.
DO $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT * FROM (VALUES
        ('public.chat_messages', 'retention', 'SELECT', 'true', NULL),
        ('public.chat_messages', 'retention', 'DELETE', 'true', NULL),
        ('public.file_storage', 'retention', 'SELECT', 'true', NULL),
        ('public.file_storage', 'retention', 'DELETE', 'is_deleted', NULL),
        ('public.sessions', 'retention', 'SELECT', 'true', NULL),
        ('public.sessions', 'retention', 'DELETE', 'is_active IS NOT TRUE OR expires_at < now()', NULL),
        ('pilothouse.guests', 'retention', 'SELECT', 'true', NULL),
        ('pilothouse.guests', 'retention', 'DELETE', 'expires_at < now()', NULL),
        ('pilothouse.guests', 'gate', 'SELECT', 'true', NULL),
        ('pilothouse.guests', 'gate', 'INSERT', NULL, 'true')
    ) AS t(target, role, command, seen, written)
    LOOP
        EXECUTE format('DROP POLICY IF EXISTS %I ON %s', p.role || '_' || lower(p.command COLLATE "C"), p.target);
        EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %I', p.role || '_' || lower(p.command COLLATE "C"), p.target,
                       p.command, 'pilothouse_' || p.role)
            || coalesce(' USING (' || p.seen || ')', '') || coalesce(' WITH CHECK (' || p.written || ')', '');
    END LOOP;
END
$$;
GRANT SELECT (id, container_id, created_at), DELETE ON public.chat_messages TO pilothouse_retention;
GRANT SELECT (id, container_id, is_deleted, created_at, updated_at), DELETE ON public.file_storage TO pilothouse_retention;
GRANT SELECT (id, user_id, is_active, created_at, last_activity, expires_at), DELETE ON public.sessions TO pilothouse_retention;
GRANT SELECT (session_id, expires_at), DELETE ON pilothouse.guests TO pilothouse_retention;
GRANT SELECT, INSERT ON pilothouse.guests TO pilothouse_gate;
REVOKE DELETE ON public.chat_messages, public.file_storage, public.sessions FROM pilothouse_admin;

-- As pilothouse.token_actor and pilothouse.enter_token.
CREATE OR REPLACE FUNCTION pilothouse.guest_actor(guest_hash text)
RETURNS TABLE (session_id text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT g.session_id FROM pilothouse.guests g WHERE g.hash = guest_hash AND g.expires_at > now();
END
$$;
CREATE OR REPLACE FUNCTION pilothouse.enter_guest(guest_hash text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    actor record;
BEGIN
    SELECT * INTO actor FROM pilothouse.guest_actor(guest_hash);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'pilothouse: no guest';
    END IF;
    PERFORM pg_catalog.set_config('app.guest_session', actor.session_id, true),
            pg_catalog.set_config('app.user_id', '', true),
            pg_catalog.set_config('app.session_id', '', true),
            pg_catalog.set_config('app.token_id', '', true);
    PERFORM pg_catalog.set_config('role', 'pilothouse_guest', true);
END
$$;
COMMENT ON FUNCTION pilothouse.guest_actor(text) IS 'Whose live guest''s secret this is, by its SHA-256.';
COMMENT ON FUNCTION pilothouse.enter_guest(text) IS 'Makes this transaction the guest''s, until it ends; raises "pilothouse: no guest".';
REVOKE ALL ON FUNCTION pilothouse.guest_actor(text), pilothouse.enter_guest(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.guest_actor(text), pilothouse.enter_guest(text) TO pilothouse_nobody, pilothouse_gate;
