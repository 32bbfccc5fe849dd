-- What users, accounts and the search box need.

ALTER TABLE public.users ADD COLUMN IF NOT EXISTS keyboard_shortcuts BOOLEAN NOT NULL DEFAULT true;
COMMENT ON COLUMN public.users.keyboard_shortcuts IS 'Whether single keys act on pages; some people type by voice and must be able to turn them off.';
GRANT SELECT (keyboard_shortcuts), UPDATE (keyboard_shortcuts) ON public.users TO pilothouse_admin, pilothouse_owner;

-- Admins may not read password hashes, yet whether somebody has one decides who is the last to manage the instance.
CREATE OR REPLACE FUNCTION pilothouse.another_admin_can_sign_in(besides uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM public.users u
        WHERE u.role = 'admin' AND u.id <> besides AND u.is_active AND u.password_hash IS NOT NULL);
END
$$;
COMMENT ON FUNCTION pilothouse.another_admin_can_sign_in(uuid) IS 'Whether an active admin with a password remains besides this user.';
DO $$
BEGIN
    GRANT CREATE ON SCHEMA pilothouse TO pilothouse_gate;
    ALTER FUNCTION pilothouse.another_admin_can_sign_in(uuid) OWNER TO pilothouse_gate;
    REVOKE CREATE ON SCHEMA pilothouse FROM pilothouse_gate;
END
$$;
REVOKE ALL ON FUNCTION pilothouse.another_admin_can_sign_in(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pilothouse.another_admin_can_sign_in(uuid) TO pilothouse_admin;

-- Beginnings of names, addresses and ids, byte by byte: a locale's order can't answer "begins with".
CREATE INDEX IF NOT EXISTS projects_name_prefix_idx ON public.projects (lower(name) text_pattern_ops);
CREATE INDEX IF NOT EXISTS containers_name_prefix_idx ON public.containers (lower(name) text_pattern_ops);
CREATE INDEX IF NOT EXISTS containers_engine_id_prefix_idx ON public.containers (container_id varchar_pattern_ops);
CREATE INDEX IF NOT EXISTS users_name_prefix_idx ON public.users (lower(name) text_pattern_ops);
CREATE INDEX IF NOT EXISTS users_email_prefix_idx ON public.users (lower(email) text_pattern_ops);
COMMENT ON INDEX public.containers_engine_id_prefix_idx IS 'The engine shows the first twelve characters of an id; people paste those.';
