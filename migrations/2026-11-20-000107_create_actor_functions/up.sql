-- How a transaction finds out who it is. Each answers NULL without an actor, so that policies match no row.
-- After a SET LOCAL the setting is '' in later transactions, not NULL: hence NULLIF.

CREATE OR REPLACE FUNCTION pilothouse.app_user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('app.user_id', true), '')::uuid;
CREATE OR REPLACE FUNCTION pilothouse.app_session_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('app.session_id', true), '')::uuid;
CREATE OR REPLACE FUNCTION pilothouse.app_token_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('app.token_id', true), '')::uuid;
CREATE OR REPLACE FUNCTION pilothouse.app_guest_session() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('app.guest_session', true), '');
COMMENT ON FUNCTION pilothouse.app_user_id() IS 'The user whose request this transaction serves.';
COMMENT ON FUNCTION pilothouse.app_session_id() IS 'The session whose request this transaction serves (sessions.id).';
COMMENT ON FUNCTION pilothouse.app_token_id() IS 'The token whose request this transaction serves.';
COMMENT ON FUNCTION pilothouse.app_guest_session() IS 'The assistant session of an anonymous visitor (ai_assistant_sessions.session_id).';

CREATE OR REPLACE FUNCTION pilothouse.session_idle(user_role text) RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN user_role = 'admin' THEN interval '30 minutes' ELSE interval '12 hours' END;
CREATE OR REPLACE FUNCTION pilothouse.session_absolute(user_role text) RETURNS interval LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN user_role = 'admin' THEN interval '12 hours' ELSE interval '14 days' END;
COMMENT ON FUNCTION pilothouse.session_idle(text) IS 'How long a session lives without a request.';
COMMENT ON FUNCTION pilothouse.session_absolute(text) IS 'How long a session lives at most.';

-- The look-ups belong to pilothouse_gate and run with its rights: it sees users, sessions and tokens only.
-- PL/pgSQL keeps their plans; a function in SQL would be planned again at each request.
CREATE OR REPLACE FUNCTION pilothouse.session_actor(session_hash text)
RETURNS TABLE (session_id uuid, user_id uuid, user_role text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT s.id, u.id, u.role
    FROM public.sessions s JOIN public.users u ON u.id = s.user_id
    WHERE s.token = session_hash
      AND s.is_active AND u.is_active
      AND s.expires_at > now()
      AND coalesce(s.last_activity, s.created_at) > now() - pilothouse.session_idle(u.role)
      AND s.created_at > now() - pilothouse.session_absolute(u.role);
END
$$;
CREATE OR REPLACE FUNCTION pilothouse.token_actor(token_hash text)
RETURNS TABLE (token_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT t.id FROM pilothouse.api_tokens t
    WHERE t.hash = token_hash AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now());
END
$$;

-- A function with its definer's rights may not set the role, so these run with the caller's.
CREATE OR REPLACE FUNCTION pilothouse.enter(session_hash text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    actor record;
BEGIN
    SELECT * INTO actor FROM pilothouse.session_actor(session_hash);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'pilothouse: no session';
    END IF;
    PERFORM pg_catalog.set_config('app.user_id', actor.user_id::text, true),
            pg_catalog.set_config('app.session_id', actor.session_id::text, true),
            pg_catalog.set_config('app.token_id', '', true),
            pg_catalog.set_config('app.guest_session', '', true);
    PERFORM pg_catalog.set_config('role',
        CASE WHEN actor.user_role = 'admin' THEN 'pilothouse_admin' ELSE 'pilothouse_owner' END, true);
END
$$;
CREATE OR REPLACE FUNCTION pilothouse.enter_token(token_hash text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    actor record;
BEGIN
    SELECT * INTO actor FROM pilothouse.token_actor(token_hash);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'pilothouse: no token';
    END IF;
    PERFORM pg_catalog.set_config('app.token_id', actor.token_id::text, true),
            pg_catalog.set_config('app.user_id', '', true),
            pg_catalog.set_config('app.session_id', '', true),
            pg_catalog.set_config('app.guest_session', '', true);
    PERFORM pg_catalog.set_config('role', 'pilothouse_worker', true);
END
$$;
COMMENT ON FUNCTION pilothouse.session_actor(text) IS 'Who a live session belongs to, by the SHA-256 of its token; the database''s clock decides what is live.';
COMMENT ON FUNCTION pilothouse.token_actor(text) IS 'Which live API token this is, by its SHA-256.';
COMMENT ON FUNCTION pilothouse.enter(text) IS 'Makes this transaction the session''s user, until it ends; raises "pilothouse: no session".';
COMMENT ON FUNCTION pilothouse.enter_token(text) IS 'Makes this transaction the token''s worker, until it ends; raises "pilothouse: no token".';

-- How references are written down in turbobackend.action_references; a search writes its value the same way.
CREATE OR REPLACE FUNCTION pilothouse.reference_text(reference text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN length(reference) <= 200 THEN reference
            ELSE 'sha256:' || encode(sha256(convert_to(reference, 'UTF8')), 'hex') END;
CREATE OR REPLACE FUNCTION pilothouse.reference_pairs(reference_ids jsonb) RETURNS TABLE (key text, value text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    -- Asks for a hash only where there is one to make: a call each would double the trigger's work.
    SELECT CASE WHEN length(r.key) <= 200 THEN r.key ELSE pilothouse.reference_text(r.key) END,
           CASE WHEN length(r.value #>> '{}') <= 200 THEN r.value #>> '{}'
                ELSE pilothouse.reference_text(r.value #>> '{}') END
    FROM jsonb_each(CASE WHEN jsonb_typeof(reference_ids) = 'object' THEN reference_ids ELSE '{}' END) r
    WHERE jsonb_typeof(r.value) IN ('string', 'number', 'boolean')
$$;
COMMENT ON FUNCTION pilothouse.reference_text(text) IS 'A key or value as action_references stores it: texts over 200 characters as sha256: and their hash.';
COMMENT ON FUNCTION pilothouse.reference_pairs(jsonb) IS 'The keys and scalar values of reference_ids; whatever else is in there has no pair.';

DO $$
DECLARE
    owned text;
BEGIN
    GRANT CREATE ON SCHEMA pilothouse TO pilothouse_gate;
    FOREACH owned IN ARRAY ARRAY['pilothouse.session_actor(text)', 'pilothouse.token_actor(text)'] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO pilothouse_gate', owned);
    END LOOP;
    REVOKE CREATE ON SCHEMA pilothouse FROM pilothouse_gate;
END
$$;
REVOKE ALL ON ALL ROUTINES IN SCHEMA pilothouse FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.session_actor(text), pilothouse.token_actor(text),
    pilothouse.enter(text), pilothouse.enter_token(text) TO pilothouse_nobody, pilothouse_gate;
GRANT EXECUTE ON FUNCTION pilothouse.session_idle(text), pilothouse.session_absolute(text)
    TO pilothouse_gate, pilothouse_admin, pilothouse_owner;
GRANT EXECUTE ON FUNCTION pilothouse.app_user_id(), pilothouse.app_session_id(), pilothouse.app_token_id(), pilothouse.app_guest_session(),
    pilothouse.reference_text(text)
    TO pilothouse_admin, pilothouse_owner, pilothouse_worker, pilothouse_guest, pilothouse_gate;
