DO $$
DECLARE
    held record;
BEGIN
    FOR held IN SELECT p.polname, p.polrelid::regclass AS target FROM pg_catalog.pg_policy p
        JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
        WHERE c.relnamespace::regnamespace::text IN ('public', 'turbobackend', 'pilothouse')
          AND (p.polname LIKE 'adopted\_%' OR EXISTS (
            SELECT FROM unnest(p.polroles) AS r WHERE r::regrole::text LIKE 'pilothouse\_%'))
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', held.polname, held.target);
    END LOOP;
    FOR held IN SELECT c.oid::regclass AS target FROM pg_catalog.pg_class c
        WHERE c.relkind IN ('r', 'v', 'S')
          AND c.relnamespace::regnamespace::text IN ('public', 'turbobackend', 'pilothouse')
          AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee::regrole::text LIKE 'pilothouse\_%'
                      UNION ALL
                      SELECT FROM pg_catalog.pg_attribute t CROSS JOIN LATERAL aclexplode(t.attacl) a
                      WHERE t.attrelid = c.oid AND a.grantee::regrole::text LIKE 'pilothouse\_%')
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM pilothouse_admin, pilothouse_owner, pilothouse_worker, pilothouse_guest, pilothouse_gate',
                       held.target);
    END LOOP;
    FOR held IN SELECT c.oid::regclass AS target FROM pg_catalog.pg_class c
        WHERE c.relrowsecurity AND c.relnamespace::regnamespace::text IN ('public', 'turbobackend', 'pilothouse')
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid)
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', held.target);
    END LOOP;
END
$$;
