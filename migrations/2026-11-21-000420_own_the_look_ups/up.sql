-- Three functions with their definer's rights belonged to pilothouse_gate. Only a superuser could restore a dump of
-- them: they need CREATE for the gate on the schema, which it must not keep. They belong to the tables' owner now, like
-- the triggers. Their text is fixed, their search path too, and who may call them stays the same.
DO $$
DECLARE
    owned text;
BEGIN
    FOREACH owned IN ARRAY ARRAY['pilothouse.session_actor(text)', 'pilothouse.token_actor(text)',
                                 'pilothouse.another_admin_can_sign_in(uuid)'] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO %I', owned,
            (SELECT r.rolname FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner
             WHERE n.nspname = 'pilothouse'));
    END LOOP;
END
$$;
-- What the gate could do as their owner.
GRANT EXECUTE ON FUNCTION pilothouse.session_actor(text), pilothouse.token_actor(text) TO pilothouse_gate;
