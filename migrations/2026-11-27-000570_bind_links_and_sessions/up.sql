-- A one-time link holds for the person that it was made for, a change for the session that it began in.

ALTER TABLE pilothouse.password_links
    ADD COLUMN IF NOT EXISTS shown_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN IF NOT EXISTS cancelled_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN IF NOT EXISTS used_from INET;
COMMENT ON COLUMN pilothouse.password_links.used_at IS 'Since when it no longer works: it was used, replaced or cancelled.';
COMMENT ON COLUMN pilothouse.password_links.shown_at IS 'When whoever made it was shown its secret: once.';
COMMENT ON COLUMN pilothouse.password_links.cancelled_at IS 'When what it was made for changed: address, role, password, or whether the user may sign in.';
COMMENT ON COLUMN pilothouse.password_links.used_from IS 'Where it was used: a network that the account is known in from then on.';
GRANT SELECT (cancelled_at) ON pilothouse.password_links TO pilothouse_admin;
GRANT UPDATE (shown_at, used_from) ON pilothouse.password_links TO pilothouse_gate;

-- Whoever changes a user, here or by SQL. Unlike other triggers of ours it lets the change fail with it: a link that
-- outlives a corrected address is a stranger's way in.
CREATE OR REPLACE FUNCTION pilothouse.cancel_password_links() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE pilothouse.password_links l SET used_at = now(), cancelled_at = now()
    WHERE l.user_id = NEW.id AND l.used_at IS NULL;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION pilothouse.cancel_password_links() IS 'Cancels the one-time links that wait for a user who is no longer who they were made for.';
REVOKE ALL ON FUNCTION pilothouse.cancel_password_links() FROM PUBLIC;
CREATE OR REPLACE TRIGGER users_cancel_password_links
    AFTER UPDATE OF email, role, is_active, password_hash ON public.users
    FOR EACH ROW WHEN ((OLD.email, OLD.role, OLD.is_active, OLD.password_hash)
        IS DISTINCT FROM (NEW.email, NEW.role, NEW.is_active, NEW.password_hash))
    EXECUTE FUNCTION pilothouse.cancel_password_links();

-- A transaction may have waited for a lock while its session ended. It asks this right before it commits.
CREATE OR REPLACE FUNCTION pilothouse.stay() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_catalog.current_setting('app.session_ended', true) = 'here' THEN
        RETURN;
    END IF;
    IF NOT EXISTS (
        SELECT FROM public.sessions s JOIN public.users u ON u.id = s.user_id
        WHERE s.id = pilothouse.app_session_id() AND u.id = pilothouse.app_user_id()
          AND s.is_active AND u.is_active
          AND (u.role = 'admin') = (pg_catalog.current_setting('role') = 'pilothouse_admin'))
    THEN
        RAISE EXCEPTION 'pilothouse: no session';
    END IF;
END
$$;
COMMENT ON FUNCTION pilothouse.stay() IS 'Raises "pilothouse: no session" when the session of this transaction was ended meanwhile by another one, or its user is not what they were.';
REVOKE ALL ON FUNCTION pilothouse.stay() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.stay() TO pilothouse_admin, pilothouse_owner;

-- Which accounts an address that fails too often must not stop: those that it is known for.
CREATE INDEX IF NOT EXISTS sessions_ip_address_idx ON public.sessions (ip_address);
CREATE INDEX IF NOT EXISTS password_links_used_from_idx ON pilothouse.password_links (used_from);
COMMENT ON COLUMN pilothouse.sign_in_failures.scope IS 'account, address, or pair: one account from one address that it is known in.';
COMMENT ON COLUMN pilothouse.sign_in_failures.subject IS 'The account''s hash (known or not), the client''s address or network, or both.';
