//! Schema drift is told by name, and what the program believes about the schema is true.

use std::collections::BTreeMap;

use diesel::connection::SimpleConnection;
use pilothouse::db::drift::{self, Finding, Severity};
use pilothouse::db::roles;

use crate::support::db::TestDb;

#[test]
fn a_migrated_database_has_no_drift() {
    let db = TestDb::new();
    assert_eq!(drift::findings(&mut db.connect_owner()).unwrap(), []);
}

#[test]
fn the_catalog_is_what_the_migrations_make() {
    let db = TestDb::new();
    let found = drift::catalog(&mut db.connect_owner()).unwrap();
    let text: String = found.iter().map(|part| drift::line(part) + "\n").collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/db/catalog.txt");
    if std::env::var_os("UPDATE_CATALOG").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let stored = std::fs::read_to_string(path).unwrap();
    let differing: Vec<_> = text
        .lines()
        .filter(|line| !stored.lines().any(|known| known == *line))
        .chain(stored.lines().filter(|line| !text.lines().any(|known| known == *line)))
        .collect();
    assert!(
        differing.is_empty() && stored == text,
        "src/db/catalog.txt is stale; run UPDATE_CATALOG=1 cargo test --test suite drift\n{}",
        differing.join("\n")
    );
}

#[test]
fn the_catalog_reads_the_same_for_a_role_without_rights_and_restores_its_search_path() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    conn.batch_execute("SET search_path = turbobackend; SET ROLE pilothouse_nobody").unwrap();
    assert_eq!(drift::findings(&mut conn).unwrap(), []);
    conn.batch_execute(
        "DO $$ BEGIN ASSERT current_setting('search_path') = 'turbobackend', 'search path leaked'; END $$",
    )
    .unwrap();
}

/// Kind, name and severity of a finding.
type Told = (&'static str, &'static str, Severity);

/// What somebody does to a database, and how each finding that follows is told.
const BREAKAGES: &[(&str, &[Told])] = &[
    ("DROP TABLE public.\"ActivityEvent\"", &[("table", "public.ActivityEvent", Severity::Broken)]),
    (
        "DROP TABLE turbobackend.project_deployments",
        &[("table", "turbobackend.project_deployments", Severity::Broken)],
    ),
    (
        "ALTER TABLE turbobackend.project_actions DROP COLUMN action_details",
        &[("column", "turbobackend.project_actions.action_details", Severity::Broken)],
    ),
    (
        "ALTER TABLE public.users RENAME COLUMN avatar_url TO picture",
        &[("column", "public.users.avatar_url", Severity::Broken)],
    ),
    (
        "ALTER TABLE public.file_storage ALTER COLUMN file_size TYPE text",
        &[("column type", "public.file_storage.file_size", Severity::Broken)],
    ),
    (
        "ALTER TABLE public.analytics ALTER COLUMN slot_name TYPE text",
        &[("column type", "public.analytics.slot_name", Severity::Notice)],
    ),
    (
        "ALTER TABLE public.\"ActivityEvent\" ALTER COLUMN title DROP NOT NULL",
        &[("nullability", "public.ActivityEvent.title", Severity::Notice)],
    ),
    (
        "ALTER TABLE public.job_drafts ALTER COLUMN public_status DROP DEFAULT",
        &[("default", "public.job_drafts.public_status", Severity::Notice)],
    ),
    (
        "ALTER TYPE public.\"ActivityEventType\" RENAME VALUE 'APR_REVIEW' TO 'REVIEW'",
        &[("type", "public.ActivityEventType", Severity::Broken)],
    ),
    ("DROP INDEX public.idx_users_email", &[("index", "public.users.idx_users_email", Severity::Notice)]),
    (
        "DROP INDEX public.\"ActivityEvent_status_createdAt_idx\"",
        &[("index", "public.ActivityEvent.ActivityEvent_status_createdAt_idx", Severity::Notice)],
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_projects_type'::regclass",
        &[("index", "public.projects.idx_projects_type", Severity::Notice)],
    ),
    (
        "ALTER TABLE public.analytics DROP CONSTRAINT fk_analytics_job_draft_id",
        &[("constraint", "public.analytics.fk_analytics_job_draft_id", Severity::Notice)],
    ),
    (
        "ALTER TABLE public.file_storage DISABLE ROW LEVEL SECURITY",
        &[("row security", "public.file_storage", Severity::Broken)],
    ),
    (
        "DROP POLICY owner_select ON public.projects",
        &[("policy", "public.projects.owner_select", Severity::Notice)],
    ),
    (
        "ALTER POLICY owner_select ON public.projects USING (true)",
        &[("policy", "public.projects.owner_select", Severity::Notice)],
    ),
    (
        "DROP TRIGGER update_projects_updated_at ON public.projects",
        &[("trigger", "public.projects.update_projects_updated_at", Severity::Notice)],
    ),
    (
        "ALTER TABLE public.projects DISABLE TRIGGER projects_tombstone",
        &[("trigger", "public.projects.projects_tombstone", Severity::Notice)],
    ),
    (
        "DROP FUNCTION public.update_updated_at_column() CASCADE",
        &[
            ("function", "public.update_updated_at_column()", Severity::Notice),
            ("trigger", "public.containers.update_containers_updated_at", Severity::Notice),
            ("trigger", "public.file_storage.update_file_storage_updated_at", Severity::Notice),
            ("trigger", "public.projects.update_projects_updated_at", Severity::Notice),
        ],
    ),
    (
        "CREATE OR REPLACE FUNCTION pilothouse.session_idle(user_role text) RETURNS interval \
         LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN interval '1 year'",
        &[("function", "pilothouse.session_idle(user_role text)", Severity::Notice)],
    ),
    ("DROP VIEW public.user_projects", &[("view", "public.user_projects", Severity::Notice)]),
    (
        "ALTER VIEW public.active_containers RESET (security_invoker)",
        &[("view", "public.active_containers", Severity::Notice)],
    ),
    (
        "REVOKE SELECT ON public.projects FROM pilothouse_owner",
        &[("grant", "public.projects to pilothouse_owner", Severity::Broken)],
    ),
    (
        "REVOKE UPDATE (name) ON public.users FROM pilothouse_owner",
        &[("grant", "public.users to pilothouse_owner", Severity::Broken)],
    ),
    (
        "GRANT SELECT (password_hash) ON public.users TO pilothouse_admin",
        &[("grant", "public.users to pilothouse_admin", Severity::Notice)],
    ),
    (
        "GRANT SELECT ON public.users TO pilothouse_admin",
        &[("grant", "public.users to pilothouse_admin", Severity::Notice)],
    ),
    (
        "GRANT DELETE ON public.\"ActivityLog\" TO PUBLIC",
        &[("grant", "public.ActivityLog to public", Severity::Notice)],
    ),
    (
        "GRANT INSERT ON public.user_projects TO pilothouse_nobody",
        &[("grant", "public.user_projects to pilothouse_nobody", Severity::Notice)],
    ),
    (
        "REVOKE EXECUTE ON FUNCTION pilothouse.enter(text) FROM pilothouse_nobody",
        &[("grant", "pilothouse.enter(session_hash text) to pilothouse_nobody", Severity::Broken)],
    ),
    (
        "GRANT EXECUTE ON FUNCTION pilothouse.session_actor(text) TO PUBLIC",
        &[("grant", "pilothouse.session_actor(session_hash text) to public", Severity::Notice)],
    ),
    (
        "ALTER FUNCTION pilothouse.leave_tombstone() OWNER TO pilothouse_console",
        &[("function", "pilothouse.leave_tombstone()", Severity::Notice)],
    ),
    (
        "GRANT CREATE ON SCHEMA pilothouse TO pilothouse_gate",
        &[("grant", "pilothouse to pilothouse_gate", Severity::Notice)],
    ),
    (
        "REVOKE USAGE ON SCHEMA turbobackend FROM pilothouse_owner",
        &[("grant", "turbobackend to pilothouse_owner", Severity::Broken)],
    ),
    // Roles are the cluster's, and other tests use them: these are rolled back too.
    ("ALTER ROLE pilothouse_owner BYPASSRLS", &[("role", "pilothouse_owner", Severity::Broken)]),
    ("ALTER ROLE pilothouse_guest SUPERUSER", &[("role", "pilothouse_guest", Severity::Broken)]),
    ("GRANT pilothouse_admin TO pilothouse_owner", &[("role", "pilothouse_owner", Severity::Broken)]),
    ("ALTER ROLE pilothouse_worker LOGIN", &[("role", "pilothouse_worker", Severity::Notice)]),
];

#[test]
fn each_kind_of_breakage_is_told_by_name_and_nothing_else_is() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    for (breakage, expected) in BREAKAGES {
        conn.batch_execute("BEGIN").unwrap();
        conn.batch_execute(breakage).unwrap();
        let told = findings_inside_a_transaction(&mut conn);
        let mut told: Vec<_> =
            told.iter().map(|finding| (finding.kind, finding.name.as_str(), finding.severity)).collect();
        let mut expected = expected.to_vec();
        told.sort_unstable();
        expected.sort_unstable();
        assert_eq!(told, expected, "after {breakage}");
    }
    assert_eq!(drift::findings(&mut conn).unwrap(), [], "the stage was not restored");
}

/// The breakage stands in a transaction that Diesel knows nothing of: told of one, it makes savepoints
/// where its COMMIT would end ours.
fn findings_inside_a_transaction(conn: &mut diesel::PgConnection) -> Vec<Finding> {
    use diesel::connection::{AnsiTransactionManager, TransactionManager};
    AnsiTransactionManager::begin_transaction_sql(conn, "SAVEPOINT breakage").unwrap();
    let told = drift::findings(conn).unwrap();
    // Rolls back everything, and Diesel knows again that nothing is open.
    AnsiTransactionManager::rollback_transaction(conn).unwrap();
    told
}

#[test]
fn what_others_add_is_no_drift() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    conn.batch_execute(
        "CREATE TABLE public.theirs (id int); CREATE TABLE turbobackend.theirs (id int);
         ALTER TABLE public.users ADD COLUMN nickname text;
         ALTER TABLE turbobackend.project_actions ADD COLUMN cost_usd numeric;
         ALTER TYPE public.\"ActivityEventType\" ADD VALUE 'DEPLOYED';
         CREATE INDEX ON public.users (name);
         GRANT SELECT ON public.theirs TO pilothouse_owner, PUBLIC;
         GRANT SELECT (nickname) ON public.users TO pilothouse_owner;
         GRANT SELECT ON public.users TO pilothouse_console;
         ALTER INDEX public.idx_users_email RENAME TO users_by_email;",
    )
    .unwrap();
    assert_eq!(drift::findings(&mut conn).unwrap(), []);
}

#[test]
fn the_worst_is_told_first() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    conn.batch_execute(
        "DROP INDEX public.idx_containers_status; ALTER TABLE public.users DROP COLUMN last_login",
    )
    .unwrap();
    let told: Vec<String> = drift::findings(&mut conn).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "column public.users.last_login is missing",
            "index public.containers.idx_containers_status is missing"
        ]
    );
}

#[test]
fn what_a_role_may_and_may_not_is_told_word_by_word() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    conn.batch_execute(
        "REVOKE SELECT (email), UPDATE (name) ON public.users FROM pilothouse_owner; \
         GRANT SELECT (password_hash), DELETE ON public.users TO pilothouse_owner",
    )
    .unwrap();
    let told: Vec<String> = drift::findings(&mut conn).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "grant public.users to pilothouse_owner lacks select(email), update(name)",
            "grant public.users to pilothouse_owner is more than the migrations give: delete, select(password_hash)",
        ]
    );
}

/// What row security would not bind, one thing at a time, and how it is told.
const UNBOUND: &[(&str, &str)] = &[
    ("ALTER ROLE pilothouse_owner BYPASSRLS", "role pilothouse_owner is a superuser or has BYPASSRLS"),
    ("ALTER ROLE pilothouse_gate SUPERUSER", "role pilothouse_gate is a superuser or has BYPASSRLS"),
    (
        "ALTER TABLE public.projects OWNER TO pilothouse_admin",
        "role pilothouse_admin owns tables, so their policies would not bind it",
    ),
    (
        "GRANT pilothouse_admin TO pilothouse_owner",
        "role pilothouse_owner is a member of pilothouse_admin: it has their rights too",
    ),
    (
        "REVOKE pilothouse_nobody FROM pilothouse_console",
        "the console's login is no member of pilothouse_nobody: run `pilothouse migrate`",
    ),
    (
        "ALTER ROLE pilothouse_guest RENAME TO guest",
        "role pilothouse_guest does not exist: run `pilothouse migrate`",
    ),
];

#[test]
fn each_way_around_row_security_is_a_reason_not_to_serve() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    for (breakage, expected) in
        [("SELECT 1", None)].into_iter().chain(UNBOUND.iter().map(|(b, e)| (*b, Some(*e))))
    {
        // Rolled back: roles are the cluster's.
        conn.batch_execute(&format!("BEGIN; {breakage}; SET LOCAL SESSION AUTHORIZATION pilothouse_console"))
            .unwrap();
        let told = roles::problems(&mut conn).unwrap();
        conn.batch_execute("ROLLBACK").unwrap();
        assert_eq!(told, Vec::from_iter(expected), "{breakage}");
    }
}

/// The hand-written tables of `src/db/schema.rs`: name of each column, its Rust type.
fn tables_in_schema_rs() -> BTreeMap<String, BTreeMap<String, String>> {
    let source = include_str!("../../src/db/schema.rs");
    let mut tables = BTreeMap::new();
    for block in source.split("diesel::table! {").skip(1) {
        let mut sql_name = None;
        let mut table: Option<(String, BTreeMap<String, String>)> = None;
        for line in block.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("#[sql_name = \"") {
                sql_name = Some(name.trim_end_matches("\"]").to_owned());
            } else if let Some((column, kind)) = line.split_once(" -> ") {
                let name = sql_name.take().unwrap_or_else(|| column.to_owned());
                table.as_mut().unwrap().1.insert(name, kind.trim_end_matches(',').to_owned());
            } else if table.is_none() && line.ends_with(") {") {
                let path = line.split(' ').next().unwrap();
                let (schema, name) = path.split_once('.').unwrap_or(("public", path));
                let name = sql_name.take().unwrap_or_else(|| name.to_owned());
                table = Some((format!("{schema}.{name}"), BTreeMap::new()));
            } else if line == "}" && table.is_some() {
                break;
            }
        }
        let (name, columns) = table.unwrap();
        tables.insert(name, columns);
    }
    tables
}

/// Diesel's name of a type in the catalog.
fn diesel_type(sql: &str) -> &str {
    match sql.split('(').next().unwrap() {
        "uuid" => "Uuid",
        "text" => "Text",
        "text[]" => "Array<Nullable<Text>>",
        "character varying" => "Varchar",
        "boolean" => "Bool",
        "integer" => "Int4",
        // No writer but the job, and it knows no NULL.
        "smallint[]" => "Array<Int2>",
        "integer[]" => "Array<Int4>",
        "bigint[]" => "Array<Int8>",
        "bigint" => "Int8",
        "xid8" => "Xid8",
        "bytea" => "Bytea",
        "smallint" => "Int2",
        "numeric" => "Numeric",
        "double precision" => "Float8",
        "jsonb" => "Jsonb",
        "inet" => "Inet",
        "date" => "Date",
        "timestamp with time zone" => "Timestamptz",
        "timestamp without time zone" | "timestamp" => "Timestamp",
        "public.\"ActivityEventType\"" => "ActivityEventType",
        "public.\"ActivityEventStatus\"" => "ActivityEventStatus",
        other => panic!("no Diesel type is known for {other}"),
    }
}

#[test]
fn schema_rs_names_every_table_and_column_with_its_type() {
    let declared = tables_in_schema_rs();
    let mut stored: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for part in drift::expected().iter().filter(|part| part.kind == "column") {
        let (table, column) = part.name.rsplit_once('.').unwrap();
        let fields: Vec<_> = part.definition.splitn(3, " | ").collect();
        let base = diesel_type(fields[0]);
        // The spool refuses nothing, so its key may be null: Diesel asks for a key, not for NOT NULL.
        let kind = if fields[1] == "null" { format!("Nullable<{base}>") } else { base.to_owned() };
        stored.entry(table.to_owned()).or_default().insert(column.to_owned(), kind);
    }
    assert!(declared.len() > 25, "schema.rs was not read: {declared:?}");
    assert_eq!(declared, stored);
}
