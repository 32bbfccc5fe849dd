-- One role a kind of actor. Roles belong to the whole cluster: another database may be creating them right now.

DO $$
DECLARE
    wanted text;
    attempt integer;
    -- Since 16, whoever creates a role may grant it without being able to become it.
    needed CONSTANT text := CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['pilothouse_admin', 'pilothouse_owner', 'pilothouse_worker',
                                  'pilothouse_guest', 'pilothouse_gate', 'pilothouse_nobody'] LOOP
        IF to_regrole(wanted) IS NULL THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;

    -- Only a member of a role may make it the owner of a function. Two grants at once can collide on the
    -- shared catalog ("tuple concurrently updated").
    FOR attempt IN 1..5 LOOP
        EXIT WHEN pg_has_role(current_user, 'pilothouse_gate', needed);
        BEGIN
            EXECUTE format('GRANT pilothouse_gate TO %I', current_user);
        EXCEPTION WHEN unique_violation OR internal_error THEN
            PERFORM pg_sleep(0.05 * attempt);
        END;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public, turbobackend
    TO pilothouse_admin, pilothouse_owner, pilothouse_worker, pilothouse_guest, pilothouse_gate;
GRANT USAGE ON SCHEMA pilothouse
    TO pilothouse_admin, pilothouse_owner, pilothouse_worker, pilothouse_guest, pilothouse_gate, pilothouse_nobody;
