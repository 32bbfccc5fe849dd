DO $$
DECLARE
    owned text;
BEGIN
    GRANT CREATE ON SCHEMA pilothouse TO pilothouse_gate;
    FOREACH owned IN ARRAY ARRAY['pilothouse.session_actor(text)', 'pilothouse.token_actor(text)',
                                 'pilothouse.another_admin_can_sign_in(uuid)'] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO pilothouse_gate', owned);
    END LOOP;
    REVOKE CREATE ON SCHEMA pilothouse FROM pilothouse_gate;
END
$$;
