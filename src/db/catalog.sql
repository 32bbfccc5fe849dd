-- What a database is made of, in the three schemas: kind, name, definition. Readable by any role.
-- Names are schema.table[.part] and unquoted; keywords are folded by no locale's rules. Extensions' members and the migrations' own list are left out.
WITH relation AS (
    SELECT c.oid, c.relkind, c.relrowsecurity, c.reloptions, c.relacl, n.nspname || '.' || c.relname AS name
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'turbobackend', 'pilothouse')
      AND c.relkind IN ('r', 'p', 'v')
      AND c.relname <> '__diesel_schema_migrations'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), request_role AS (
    SELECT oid, rolname, rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolcreatedb, rolreplication
    FROM pg_roles
    WHERE rolname IN ('pilothouse_admin', 'pilothouse_owner', 'pilothouse_worker', 'pilothouse_guest', 'pilothouse_gate',
                      'pilothouse_retention', 'pilothouse_nobody')
), privilege AS (
    SELECT r.name AS object, a.grantee, lower(a.privilege_type COLLATE "C") AS word
    FROM relation r CROSS JOIN LATERAL aclexplode(r.relacl) a
    UNION ALL
    SELECT r.name, a.grantee, lower(a.privilege_type COLLATE "C") || '(' || t.attname || ')'
    FROM relation r
    JOIN pg_attribute t ON t.attrelid = r.oid AND t.attacl IS NOT NULL AND NOT t.attisdropped
    CROSS JOIN LATERAL aclexplode(t.attacl) a
    UNION ALL
    SELECT n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', a.grantee,
           lower(a.privilege_type COLLATE "C")
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
    WHERE n.nspname = 'pilothouse'
    UNION ALL
    -- What everybody may do in "public" is the server's affair.
    SELECT n.nspname, a.grantee, lower(a.privilege_type COLLATE "C")
    FROM pg_namespace n
    CROSS JOIN LATERAL aclexplode(n.nspacl) a
    WHERE n.nspname IN ('public', 'turbobackend', 'pilothouse') AND (n.nspname, a.grantee) <> ('public', 0)
)
SELECT 'table' AS kind, name, '' AS definition FROM relation WHERE relkind <> 'v'
UNION ALL
SELECT 'row security', name, CASE WHEN relrowsecurity THEN 'on' ELSE 'off' END FROM relation WHERE relkind <> 'v'
UNION ALL
SELECT 'column', r.name || '.' || a.attname,
       format_type(a.atttypid, a.atttypmod)
       || ' | ' || CASE WHEN a.attnotnull THEN 'not null' ELSE 'null' END
       || ' | ' || CASE WHEN a.attidentity <> '' THEN 'identity'
                        WHEN a.attgenerated <> '' THEN 'generated ' || pg_get_expr(d.adbin, d.adrelid)
                        ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), 'none') END
FROM relation r
JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind <> 'v'
UNION ALL
-- The text of a view is printed differently by different servers; its columns are not.
SELECT 'view', r.name,
       (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
        FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped)
       || coalesce(' with ' || array_to_string(r.reloptions, ', '), '')
FROM relation r WHERE r.relkind = 'v'
UNION ALL
SELECT 'type', n.nspname || '.' || t.typname,
       (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)
FROM pg_type t
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname IN ('public', 'turbobackend', 'pilothouse') AND t.typtype = 'e'
UNION ALL
SELECT 'constraint', r.name || '.' || c.conname, pg_get_constraintdef(c.oid)
FROM relation r
JOIN pg_constraint c ON c.conrelid = r.oid AND c.contype IN ('p', 'u', 'f', 'c', 'x')
UNION ALL
-- From USING on: the name is compared apart. A constraint's index is compared with its constraint. PostgreSQL writes
-- a CASE on several lines, and a part has one. It reads a list of texts otherwise than it writes it, so after a restore
-- each text of a list has the cast that the list had.
SELECT 'index', r.name || '.' || x.relname,
       CASE WHEN i.indisunique THEN 'unique ' ELSE '' END
       || regexp_replace(regexp_replace(
              substring(regexp_replace(pg_get_indexdef(i.indexrelid), '\s+', ' ', 'g') FROM ' (USING .*)$'),
              '\(ARRAY\[([^]]*)\]\)::text\[\]', 'ARRAY[\1]', 'g'),
          '\((''[^'']*''::character varying)\)::text', '\1', 'g')
       || CASE WHEN i.indisvalid THEN '' ELSE ' (not valid)' END
FROM relation r
JOIN pg_index i ON i.indrelid = r.oid
JOIN pg_class x ON x.oid = i.indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'trigger', r.name || '.' || t.tgname,
       -- Pretty: the other way keeps parentheses that a restore loses.
       substring(regexp_replace(pg_get_triggerdef(t.oid, true), '\s+', ' ', 'g') FROM '^CREATE TRIGGER (?:"[^"]+"|\S+) (.*)$')
       || CASE WHEN t.tgenabled = 'D' THEN ' (disabled)' ELSE '' END
FROM relation r
JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
UNION ALL
SELECT 'policy', r.name || '.' || p.polname,
       CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
                     WHEN 'd' THEN 'delete' ELSE 'all' END
       || CASE WHEN p.polpermissive THEN '' ELSE ' restrictive' END
       || ' to ' || coalesce((SELECT string_agg(o.rolname, ', ' ORDER BY o.rolname)
                              FROM pg_roles o WHERE o.oid = ANY (p.polroles)), 'public')
       || coalesce(' using ' || regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\s+', ' ', 'g'), '')
       || coalesce(' with check ' || regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), '\s+', ' ', 'g'), '')
FROM relation r
JOIN pg_policy p ON p.polrelid = r.oid
UNION ALL
-- Bodies as a hash: they are long, and that they differ is all there is to tell.
SELECT 'function', n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
       coalesce(pg_get_function_result(p.oid), 'procedure')
       || CASE WHEN NOT p.prosecdef THEN ''
               WHEN p.proowner = n.nspowner THEN ' definer'
               ELSE ' definer ' || (SELECT o.rolname FROM pg_roles o WHERE o.oid = p.proowner) END
       || coalesce(' set ' || array_to_string(p.proconfig, ', '), '')
       || ' ' || md5(regexp_replace(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), '\s+', ' ', 'g'))
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('public', 'turbobackend', 'pilothouse') AND p.prokind IN ('f', 'p')
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
UNION ALL
-- The request roles, and everybody: who else may do what is not the console's affair.
SELECT 'grant', p.object || ' to ' || coalesce(r.rolname, 'public'), string_agg(DISTINCT p.word COLLATE "C", ', ' ORDER BY p.word COLLATE "C")
FROM privilege p
LEFT JOIN request_role r ON r.oid = p.grantee
WHERE p.grantee = 0 OR r.oid IS NOT NULL
GROUP BY p.object, r.rolname
UNION ALL
SELECT 'role', r.rolname,
       coalesce(nullif(concat_ws(', ',
           CASE WHEN r.rolsuper THEN 'superuser' END, CASE WHEN r.rolbypassrls THEN 'bypassrls' END,
           CASE WHEN r.rolcanlogin THEN 'login' END, CASE WHEN r.rolcreaterole THEN 'createrole' END,
           CASE WHEN r.rolcreatedb THEN 'createdb' END, CASE WHEN r.rolreplication THEN 'replication' END,
           (SELECT string_agg('member of ' || g.rolname, ', ' ORDER BY g.rolname)
            FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)), ''), 'plain')
FROM request_role r
