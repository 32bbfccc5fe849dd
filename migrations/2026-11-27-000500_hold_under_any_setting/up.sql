-- What depended on settings that a database, a login or a locale carries.

-- These run in the sessions of workers, with the search path that those have.
ALTER FUNCTION pilothouse.fill_epoch_ms() SET search_path = pg_catalog, pg_temp;
ALTER FUNCTION pilothouse.fill_utc_times() SET search_path = pg_catalog, pg_temp;

DO $$
DECLARE
    folded record;
BEGIN
    -- The migrations' own list may have come to "public" after its policy was to be made.
    IF to_regclass('public.__diesel_schema_migrations') IS NOT NULL THEN
        ALTER TABLE public.__diesel_schema_migrations ENABLE ROW LEVEL SECURITY;
        DROP POLICY IF EXISTS readable ON public.__diesel_schema_migrations;
        CREATE POLICY readable ON public.__diesel_schema_migrations FOR SELECT
            TO pilothouse_admin, pilothouse_gate USING (true);
        GRANT SELECT ON public.__diesel_schema_migrations TO pilothouse_admin, pilothouse_gate;
    END IF;

    -- A locale that folds I to a dotless i has named policies in its own way.
    FOR folded IN
        SELECT p.polname, p.polrelid::regclass AS target
        FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
        WHERE c.relnamespace IN ('public'::regnamespace, 'turbobackend'::regnamespace, 'pilothouse'::regnamespace)
          AND p.polname IN ('owner_ınsert', 'worker_ınsert', 'guest_ınsert', 'gate_ınsert')
    LOOP
        EXECUTE format('ALTER POLICY %I ON %s RENAME TO %I', folded.polname, folded.target,
                       replace(folded.polname, 'ı', 'i'));
    END LOOP;
END
$$;
