-- What a database is made of, in the three schemas: kind, name, definition. Readable by any role.
-- Names are schema.table[.part] and unquoted. Extensions' members and the migrations' own list are left out.
WITH relation AS (
    SELECT c.oid, c.relkind, c.relrowsecurity, c.reloptions, n.nspname || '.' || c.relname AS name
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'turbobackend', 'pilothouse')
      AND c.relkind IN ('r', 'p', 'v')
      AND c.relname <> '__diesel_schema_migrations'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
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
-- a CASE on several lines, and a part has one.
SELECT 'index', r.name || '.' || x.relname,
       CASE WHEN i.indisunique THEN 'unique ' ELSE '' END
       || substring(regexp_replace(pg_get_indexdef(i.indexrelid), '\s+', ' ', 'g') FROM ' (USING .*)$')
       || CASE WHEN i.indisvalid THEN '' ELSE ' (not valid)' END
FROM relation r
JOIN pg_index i ON i.indrelid = r.oid
JOIN pg_class x ON x.oid = i.indexrelid
WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'trigger', r.name || '.' || t.tgname,
       substring(pg_get_triggerdef(t.oid) FROM '^CREATE TRIGGER (?:"[^"]+"|\S+) (.*)$')
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
       || CASE WHEN p.prosecdef THEN ' definer' ELSE '' END
       || coalesce(' set ' || array_to_string(p.proconfig, ', '), '')
       || ' ' || md5(regexp_replace(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), '\s+', ' ', 'g'))
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('public', 'turbobackend', 'pilothouse') AND p.prokind IN ('f', 'p')
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
