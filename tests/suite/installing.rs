//! Other people's servers: whatever their logins and databases are called and carry, the console is set up on them, or
//! says in words why not.

use std::process::{Command, Output, Stdio};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use pilothouse::db::address::with_deadlines;
use pilothouse::db::{Actor, ConnectOptions, Db, DbError, drift, migrations};
use pilothouse::postgres::CONSOLE_LOGIN;

use crate::support::console::Console;
use crate::support::db::{TestDb, new_directory, quoted};

/// Names that have to be quoted wherever they are written.
const HOSTILE: [&str; 6] =
    ["acme-app", "Ünï \"quoted\" ' name", "user", "UPPER case", "per%cent$1\\", "öffentlich.pilothouse"];

/// The program, on `db` with these two logins.
pub fn program(db: &TestDb, console: &str, owner: &str) -> Command {
    program_at(&db.url_of(console), &db.url_of(owner))
}

pub fn program_at(console: &str, owner: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("PILOTHOUSE_") || name.starts_with("DATABASE_") {
            program.env_remove(name);
        }
    }
    program
        .env("DATABASE_URL", console)
        .env("PILOTHOUSE_MIGRATE_URL", owner)
        .env("PILOTHOUSE_SECRET_KEY", "a key that is long enough for tests only")
        .env("PILOTHOUSE_DATA_DIR", new_directory())
        .env("PILOTHOUSE_LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null());
    program
}

/// Everything that a program said.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    answer: String,
}

fn text(conn: &mut PgConnection, query: &str) -> String {
    let query = format!("SELECT ({query})::text AS answer");
    diesel::sql_query(query).get_result(conn).map(|row: Row| row.answer).unwrap()
}

/// The schemas that have a list of applied migrations.
fn histories(conn: &mut PgConnection) -> String {
    text(
        conn,
        "SELECT coalesce(string_agg(relnamespace::regnamespace::text, ' ' ORDER BY relnamespace::regnamespace::text), '') \
         FROM pg_class WHERE relname = '__diesel_schema_migrations'",
    )
}

/// The migrations of the program as it was, run as that program ran them: with whatever search path the login had.
pub fn migrate_as_before(db: &TestDb, owner: &str, through: &str) {
    use diesel_migrations::{FileBasedMigrations, MigrationHarness};
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut conn = PgConnection::establish(&db.url_of(owner)).unwrap();
    let all = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
    let all = FileBasedMigrations::from_path(all).unwrap();
    let mut pending = MigrationHarness::<diesel::pg::Pg>::pending_migrations(&mut conn, all).unwrap();
    pending.retain(|migration| migration.name().version().to_string().as_str() <= through);
    MigrationHarness::<diesel::pg::Pg>::run_migrations(&mut conn, &pending).unwrap();
    conn.batch_execute(&format!(
        "GRANT pilothouse_admin, pilothouse_owner, pilothouse_worker, pilothouse_guest, pilothouse_gate, \
         pilothouse_nobody TO {}",
        quoted(CONSOLE_LOGIN)
    ))
    .unwrap();
}

/// The last migration of the version before histories were joined.
pub const PREVIOUS: &str = "20261121000440";

#[test]
fn names_that_have_to_be_quoted_migrate_serve_and_pass_the_doctor() {
    for (nth, name) in HOSTILE.into_iter().enumerate() {
        let db = TestDb::empty();
        let console = format!("{name} {nth} console");
        db.give_to(name);
        let done = db.migrate_for(name, &console).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(done.len() > 20, "{name}");
        assert_eq!(drift::findings(&mut db.connect_owner()).unwrap(), [], "{name}");
        let checked = program(&db, &console, name).arg("doctor").output().unwrap();
        assert!(checked.status.success(), "{name}: {}", said(&checked));
        let made = program(&db, &console, name)
            .args(["user", "create", "--email", "ada@example.org", "--admin"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{name}: {}", said(&made));
        let url = db.url_of(&console);
        Console::on(db, &url).anonymous().get("/readyz").expect(200);
    }
}

#[test]
fn workers_logins_that_begin_alike_keep_a_policy_each() {
    let db = TestDb::empty();
    let mut conn = db.connect_owner();
    for ddl in crate::seeds::DDL {
        conn.batch_execute(ddl).unwrap();
    }
    let long = "ein sehr langer Name für einen Arbeiter, wie ihn jemand";
    let logins = [format!("{long} 1"), format!("{long} 2"), "per \"haps\" '%I".to_owned()];
    for login in &logins {
        let login = quoted(login);
        conn.batch_execute(&format!(
            "CREATE ROLE {login}; GRANT SELECT ON ALL TABLES IN SCHEMA public, turbobackend TO {login}"
        ))
        .unwrap();
    }
    db.migrate().unwrap();
    let adopted = text(
        &mut conn,
        "SELECT count(DISTINCT p.polroles) FROM pg_policy p WHERE p.polname LIKE 'adopted!_%' ESCAPE '!'",
    );
    for login in &logins {
        let login = quoted(login);
        conn.batch_execute(&format!("DROP OWNED BY {login}; DROP ROLE {login}")).unwrap();
    }
    assert_eq!(adopted, "3");
}

/// What a database or a login may carry.
const SETTINGS: &[(&str, &str)] = &[
    ("search_path", "'$user', nowhere"),
    ("search_path", "turbobackend, pg_catalog"),
    ("search_path", "''"),
    ("DateStyle", "'German, DMY'"),
    ("DateStyle", "'SQL, MDY'"),
    ("IntervalStyle", "iso_8601"),
    ("TimeZone", "'Asia/Kathmandu'"),
    ("standard_conforming_strings", "off"),
    ("backslash_quote", "off"),
    ("escape_string_warning", "off"),
    ("row_security", "off"),
    ("quote_all_identifiers", "on"),
    ("transform_null_equals", "on"),
    ("array_nulls", "off"),
    ("bytea_output", "escape"),
    ("extra_float_digits", "-15"),
    ("xmloption", "document"),
    ("client_encoding", "'LATIN1'"),
    ("default_transaction_isolation", "serializable"),
    ("default_transaction_deferrable", "on"),
    ("statement_timeout", "'150ms'"),
    ("lock_timeout", "'1ms'"),
    ("idle_in_transaction_session_timeout", "'50ms'"),
    ("idle_session_timeout", "'2s'"),
    ("exit_on_error", "on"),
    ("gin_fuzzy_search_limit", "1"),
    ("default_toast_compression", "pglz"),
    ("check_function_bodies", "off"),
];

#[test]
fn a_setting_that_a_database_carries_changes_nothing() {
    // Each alone: some would hide what another one breaks.
    std::thread::scope(|scope| {
        for part in SETTINGS.chunks(SETTINGS.len().div_ceil(4)) {
            scope.spawn(|| part.iter().for_each(|(name, value)| holds_up(&[(name, value)])));
        }
    });
}

#[test]
fn all_settings_that_a_database_carries_at_once_change_nothing() {
    holds_up(SETTINGS);
}

fn holds_up(settings: &[(&str, &str)]) {
    let owner = "carries settings";
    let db = TestDb::empty();
    db.give_to(owner);
    for (name, value) in settings {
        db.alter(&format!("SET {name} = {value}"));
    }
    db.migrate_as(owner).unwrap_or_else(|error| panic!("{settings:?}: {error}"));
    assert_eq!(db.migrate_as(owner).unwrap(), Vec::<String>::new(), "{settings:?}");
    let checked = program(&db, CONSOLE_LOGIN, owner).arg("doctor").output().unwrap();
    assert!(checked.status.success(), "{settings:?}: {}", said(&checked));
    let mut plain = db.connect_owner();
    plain.batch_execute("SET search_path = public; SET quote_all_identifiers = off").unwrap();
    assert_eq!(histories(&mut plain), "public", "{settings:?}");
    let url = db.url();
    let console = Console::on(db, &url);
    console.anonymous().get("/readyz").expect(200);
    plain.batch_execute("SET DateStyle = 'ISO'; SET bytea_output = hex; SET statement_timeout = 0").unwrap();
    let hash = pilothouse::auth::password::hash_blocking("four unrelated words").unwrap();
    plain
        .batch_execute(&format!(
            "INSERT INTO users (email, name, password_hash) VALUES ('ada@example.org', 'Zoë', '{hash}')"
        ))
        .unwrap();
    let ada = console.anonymous();
    ada.post("/login", &[("email", "ada@example.org"), ("password", "four unrelated words")]).expect(303);
    let project = ada.post("/projects", &[("name", "größe")]).expect(303).location().to_owned();
    for path in [
        "/",
        &project,
        &format!("{project}/activity"),
        "/search?q=nothing+like+it",
        "/activity?from=2020-01-01",
    ] {
        ada.get(path).expect(200);
    }
    let page = ada.get("/projects").expect(200);
    assert!(page.body.contains("größe"), "{settings:?}: {}", page.body);
}

#[test]
fn behind_a_pooler_each_transaction_is_freed_of_what_the_session_carries() {
    let db = TestDb::new();
    let carried = "SET search_path = nowhere; SET row_security = off; SET standard_conforming_strings = off; \
                   SET datestyle = german; SET transform_null_equals = on; SET client_encoding = LATIN1; \
                   SET default_transaction_isolation = serializable";
    let pool = Db::new(&ConnectOptions {
        url: with_deadlines(&db.url(), false),
        size: 1,
        budget: std::time::Duration::from_secs(20),
        behind_pooler: true,
    });
    for (name, value) in carried.split("; ").filter_map(|set| set.trim()[4..].split_once(" = ")) {
        db.alter(&format!("SET {name} = {value}"));
    }
    let found = pool
        .read_blocking(&Actor::System, |conn| {
            diesel::sql_query(
                "SELECT concat_ws(', ', current_setting('search_path'), current_setting('row_security'), \
                 current_setting('standard_conforming_strings'), current_setting('datestyle'), \
                 current_setting('transform_null_equals'), current_setting('client_encoding'), \
                 current_setting('transaction_isolation')) AS answer",
            )
            .get_result(conn)
            .map(|row: Row| row.answer)
            .map_err(DbError::from)
        })
        .unwrap();
    assert_eq!(found, "public, on, on, ISO, MDY, off, UTF8, read committed");
}

#[test]
fn a_database_that_takes_no_writes_is_served_and_migrated_when_it_does() {
    let db = TestDb::empty();
    db.migrate().unwrap();
    db.alter("SET default_transaction_read_only = on");
    assert_eq!(db.migrate().unwrap(), Vec::<String>::new(), "there is nothing to do");
    let mut conn = db.connect_owner();
    conn.batch_execute("SET default_transaction_read_only = off").unwrap();
    conn.batch_execute("DELETE FROM public.__diesel_schema_migrations WHERE version = '20261127000500'")
        .unwrap();
    let refused = db.migrate().unwrap_err();
    assert!(refused.may_pass(), "{refused}");
    assert!(refused.to_string().contains("takes no changes"), "{refused}");
    db.alter("RESET default_transaction_read_only");
    assert_eq!(db.migrate().unwrap().len(), 1);
}

#[test]
fn a_locale_that_folds_letters_in_its_own_way_folds_no_keyword() {
    for locale in ["tr-TR", "az", "lt"] {
        let db = TestDb::empty_with(&format!("LOCALE_PROVIDER icu ICU_LOCALE '{locale}' LOCALE 'C.UTF-8'"));
        let mut conn = db.connect_owner();
        assert!(locale == "lt" || text(&mut conn, "SELECT lower('I')") == "ı", "the server folds otherwise");
        db.migrate().unwrap();
        assert_eq!(drift::findings(&mut conn).unwrap(), [], "{locale}");
        let url = db.url();
        let console = Console::on(db, &url);
        console.anonymous().get("/readyz").expect(200);
        let owner = console.owner();
        let project = console.project(&owner, "INIT");
        console.action(&project, "deployment", 1_700_000_000_000, "{}");
        console.sql("UPDATE turbobackend.project_actions SET status = 'FAILED'");
        pilothouse::activity::rollup::keep(&console.app.db).unwrap();
        assert!(
            console.holds("(SELECT failed = '{1}' FROM pilothouse.daily_totals WHERE day = '2023-11-14')")
        );
    }
}

#[test]
fn policies_that_a_locale_has_named_get_their_names_back() {
    let db = TestDb::empty();
    let mut conn = db.connect_owner();
    db.migrate().unwrap();
    conn.batch_execute(
        "ALTER POLICY owner_insert ON public.projects RENAME TO owner_ınsert; \
         DELETE FROM public.__diesel_schema_migrations WHERE version = '20261127000500'",
    )
    .unwrap();
    assert_eq!(drift::findings(&mut conn).unwrap().len(), 1);
    db.migrate().unwrap();
    assert_eq!(drift::findings(&mut conn).unwrap(), []);
}

#[test]
fn a_database_that_is_not_utf8_is_refused_with_the_command_that_makes_one() {
    for (encoding, locale) in [("SQL_ASCII", "C"), ("LATIN1", "C"), ("EUC_JP", "C")] {
        let owner = "wrong \"encoding\"";
        let db = TestDb::empty_with(&format!("ENCODING '{encoding}' LOCALE '{locale}'"));
        db.give_to(owner);
        let mut command = String::new();
        for arguments in
            [&["migrate"][..], &["serve"], &["doctor"], &["user", "create", "--email", "a@b.test"]]
        {
            let refused = program(&db, CONSOLE_LOGIN, owner).args(arguments).output().unwrap();
            let told = said(&refused);
            assert_eq!(refused.status.code(), Some(1), "{arguments:?}: {told}");
            assert!(told.contains(&format!("has the encoding {encoding}")), "{arguments:?}: {told}");
            let line = told.lines().find(|line| line.contains("CREATE DATABASE")).unwrap();
            command = line[line.find("CREATE DATABASE").unwrap()..].to_owned();
        }
        let mut conn = db.connect_owner();
        conn.batch_execute(&command).unwrap_or_else(|error| panic!("{command}: {error}"));
        let made = text(
            &mut conn,
            "SELECT string_agg(datname || ' ' || pg_encoding_to_char(encoding), '') FROM pg_database \
             WHERE datname LIKE current_database() || '!_utf8' ESCAPE '!'",
        );
        assert!(made.ends_with("_utf8 UTF8"), "{made}");
        conn.batch_execute(&format!("DROP DATABASE {}", quoted(made.trim_end_matches(" UTF8")))).unwrap();
    }
}

#[test]
fn an_address_that_can_not_be_read_is_told_by_name_and_without_its_value() {
    let unreadable = [
        "postgres://pilothouse:hunter/secret@127.0.0.1/db",
        "postgres://pilothouse:hunter%secret@127.0.0.1/db",
        "postgres://pilothouse:hunter@secret@127.0.0.1/db",
        "postgres://pilothouse:huntersecret@[127.0.0.1/db",
        "postgres://pilothouse:huntersecret@127.0.0.1:five/db",
        "postgres://pilothouse@127.0.0.1/db?password=hunter&secret",
        "postgres://pilothouse:huntersecret@127.0.0.1/db?schema=public",
        "host=127.0.0.1 user=pilothouse password=huntersecret",
    ];
    let fine = "postgres://pilothouse@127.0.0.1:1/db";
    for url in unreadable {
        for (variable, console, owner) in [("DATABASE_URL", url, fine), ("PILOTHOUSE_MIGRATE_URL", fine, url)]
        {
            for arguments in
                [&["serve"][..], &[], &["migrate"], &["doctor"], &["user", "create", "--email", "a@b.test"]]
            {
                let refused = program_at(console, owner).args(arguments).output().unwrap();
                let told = said(&refused);
                assert_eq!(refused.status.code(), Some(2), "{url} {arguments:?}: {told}");
                assert!(told.contains(&format!("{variable}: ")), "{url}: {told}");
                assert!(!told.contains("hunter") && !told.contains("secret@"), "{url}: {told}");
            }
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_told_without_the_password() {
    for url in [
        "postgres://pilothouse:hunter%2Fsecret%25@127.0.0.1:1/db",
        "postgres://pilothouse@127.0.0.1:1/db?password=hunter%2Fsecret%25",
        "postgres://pilothouse:hunter%2Fsecret%25@nowhere.invalid,127.0.0.1:1/db?sslpassword=huntersecret",
    ] {
        for command in ["migrate", "doctor"] {
            let refused = program_at(url, url).arg(command).output().unwrap();
            let told = said(&refused);
            assert_eq!(refused.status.code(), Some(1), "{told}");
            assert!(told.contains("the database can't be reached"), "{told}");
            assert!(!told.contains("hunter"), "{told}");
        }
    }
}

#[test]
fn no_value_of_a_variable_is_printed_when_it_can_not_be_used() {
    let secret = "https://ada:huntersecret@console.example.org/#fragment";
    for variable in pilothouse::config::VARIABLES {
        // Any text will do.
        if [
            "PILOTHOUSE_DATA_DIR",
            "PILOTHOUSE_SECRET_KEY",
            "PILOTHOUSE_DEMO_PASSWORD",
            "PILOTHOUSE_BACKUPS",
            "PILOTHOUSE_BACKUP_KEY",
            "PILOTHOUSE_INSTANCE_NAME",
            "PILOTHOUSE_METRICS_TOKEN",
            "PILOTHOUSE_AI_KEY",
            "PILOTHOUSE_AI_MODEL",
            "PILOTHOUSE_GHL_TOKEN",
            "PILOTHOUSE_GHL_LOCATION",
            "PILOTHOUSE_GHL_PIPELINE",
            "PILOTHOUSE_PAGES_TOKEN",
            "DOCKER_HOST",
        ]
        .contains(&variable)
        {
            continue;
        }
        let fine = "postgres://pilothouse@127.0.0.1:1/db";
        let refused = program_at(fine, fine).env(variable, secret).arg("doctor").output().unwrap();
        let told = said(&refused);
        assert_eq!(refused.status.code(), Some(2), "{variable}: {told}");
        assert!(told.contains(&format!("{variable}: ")) && !told.contains("hunter"), "{told}");
    }
    let db = TestDb::new();
    let engine = "tcp://ada:hunter@secret@127.0.0.1:2376";
    let mut doctor = program(&db, CONSOLE_LOGIN, "postgres");
    let told = said(&doctor.env("DOCKER_HOST", engine).arg("doctor").output().unwrap());
    assert!(told.contains("none at tcp://127.0.0.1:2376") && !told.contains("hunter"), "{told}");
}

#[test]
fn the_base_address_has_neither_a_login_nor_anything_after_the_host() {
    for (url, taken) in [
        ("https://console.example.org", true),
        ("http://127.0.0.1:8080/", true),
        ("https://ada@console.example.org", false),
        ("https://ada:pw@console.example.org", false),
        ("https://:@console.example.org", false),
        ("https://console.example.org/#", false),
        ("https://console.example.org/#top", false),
        ("https://console.example.org/?", false),
        ("https://console.example.org/?a=b", false),
        ("https://console.example.org/path", false),
    ] {
        let values = [("PILOTHOUSE_BASE_URL".to_owned(), url.to_owned())].into();
        assert_eq!(pilothouse::config::Config::from_values(values).is_ok(), taken, "{url}");
    }
}

/// A database whose login is called like a schema of ours, so that the program as it was kept two lists, or one in
/// the wrong place.
#[test]
fn histories_that_were_kept_apart_are_joined_and_nothing_is_run_twice() {
    for (owner, runs) in [("pilothouse", 1), ("pilothouse", 2), ("turbobackend", 1), ("turbobackend", 2)] {
        let db = TestDb::empty();
        db.give_to(owner);
        if owner == "turbobackend" {
            // Adopted: the schema was there before the first migration.
            let mut conn = PgConnection::establish(&db.url_of(owner)).unwrap();
            conn.batch_execute("CREATE SCHEMA turbobackend").unwrap();
        }
        for _ in 0..runs {
            migrate_as_before(&db, owner, PREVIOUS);
        }
        let mut conn = db.connect_owner();
        let split = histories(&mut conn);
        assert!((owner, runs) == ("pilothouse", 1) || split.contains(owner), "{owner} {runs}: {split}");
        conn.batch_execute(
            "INSERT INTO public.users (email) VALUES ('ada@example.org'); \
             INSERT INTO turbobackend.project_actions (action_id, reference_ids) VALUES ('a', '{\"k\": \"v\"}'); \
             CREATE TABLE pilothouse.ran_twice (); \
             CREATE SCHEMA others CREATE TABLE __diesel_schema_migrations (version text PRIMARY KEY, run_on timestamp); \
             INSERT INTO others.__diesel_schema_migrations VALUES ('theirs')",
        )
        .unwrap();
        let before =
            text(&mut conn, "SELECT oid FROM pg_class WHERE oid = 'pilothouse.daily_activity'::regclass");

        let done = db.migrate_as(owner).unwrap();
        assert!(!done.is_empty() && done.iter().all(|name| name.as_str() > "2026-11-21-000440"), "{done:?}");
        assert_eq!(db.migrate_as(owner).unwrap(), Vec::<String>::new());

        assert_eq!(histories(&mut conn), "others public", "{owner}");
        let after =
            text(&mut conn, "SELECT oid FROM pg_class WHERE oid = 'pilothouse.daily_activity'::regclass");
        assert_eq!(after, before, "a migration that makes this table again was run again");
        let noted: i64 = diesel::dsl::sql::<BigInt>("SELECT count(*) FROM public.__diesel_schema_migrations")
            .get_result(&mut conn)
            .unwrap();
        let all = migrations::pending(&mut TestDb::empty().connect_owner()).unwrap().len();
        assert_eq!(usize::try_from(noted).unwrap(), all);
        assert_eq!(text(&mut conn, "SELECT count(*) FROM turbobackend.action_references"), "1");
        assert_eq!(drift::findings(&mut conn).unwrap(), [], "{owner}");
        let checked = program(&db, CONSOLE_LOGIN, owner).arg("doctor").output().unwrap();
        assert!(checked.status.success(), "{}", said(&checked));
        let url = db.url();
        Console::on(db, &url).anonymous().get("/readyz").expect(200);
    }
}

#[test]
fn before_histories_are_joined_the_doctor_and_the_ready_page_say_the_same() {
    let owner = "pilothouse";
    let db = TestDb::empty();
    db.give_to(owner);
    migrate_as_before(&db, owner, "20261121000400");
    // Noted only where the login's own schema comes first.
    migrate_as_before(&db, owner, PREVIOUS);
    let checked = program(&db, CONSOLE_LOGIN, owner).arg("doctor").output().unwrap();
    assert_eq!(checked.status.code(), Some(1));
    let told = said(&checked);
    assert!(told.contains("FAIL  migrations: pending: 2026-11-21-000420_own_the_look_ups"), "{told}");
    let url = db.url();
    let console = Console::on(db, &url);
    let ready = console.anonymous().get("/readyz").expect(503).json();
    assert_eq!(ready["pending_migrations"][0], "2026-11-21-000420_own_the_look_ups");
    assert_eq!(
        console.db.migrate_as(owner).unwrap().first().unwrap(),
        "2026-11-27-000500_hold_under_any_setting"
    );
    // A bad answer is kept for a quarter of a second.
    std::thread::sleep(std::time::Duration::from_millis(300));
    console.anonymous().get("/readyz").expect(200);
}

/// The README's deployment, with the rows of years, at the version before this one.
#[test]
fn the_deployment_of_the_readme_is_upgraded_and_ready_with_its_rows() {
    let (owner, console_login) = ("pilothouse", CONSOLE_LOGIN);
    let db = TestDb::empty();
    db.give_to(owner);
    migrate_as_before(&db, owner, PREVIOUS);
    // Each start of the program as it was migrated.
    migrate_as_before(&db, owner, PREVIOUS);
    let mut conn = db.connect_owner();
    let hash = pilothouse::auth::password::hash_blocking("four unrelated words").unwrap();
    conn.batch_execute(&format!(
        "INSERT INTO users (id, email, name, password_hash) VALUES
             ('a0000000-0000-0000-0000-000000000001', 'ada@example.org', 'Ada', '{hash}');
         INSERT INTO containers (id, container_id, name, status, user_id) VALUES
             ('c0000000-0000-0000-0000-000000000001', 'engine-1', 'one', 'running', 'a0000000-0000-0000-0000-000000000001');
         INSERT INTO projects (id, name, container_id, user_id) VALUES
             ('b0000000-0000-0000-0000-000000000001', 'the old shop', 'c0000000-0000-0000-0000-000000000001',
              'a0000000-0000-0000-0000-000000000001');
         INSERT INTO chat_messages (container_id, session_id, role, content) VALUES
             ('c0000000-0000-0000-0000-000000000001', 's', 'user', 'an old question');
         INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, action_type, action_details, status, reference_ids, created_at)
             SELECT 'act ' || n, 'b0000000-0000-0000-0000-000000000001', 'a0000000-0000-0000-0000-000000000001', 'deployment',
                    'Deployed for the ' || n || 'th time', 'success', '{{\"deployment_id\": \"d1\"}}', 1700000000000 + n
             FROM generate_series(1, 60) n;
         INSERT INTO \"ActivityEvent\" (id, \"projectId\", \"eventType\", \"entityType\", title) VALUES
             ('event', 'b0000000-0000-0000-0000-000000000001', 'APR_REVIEW', 'apr_session', 'An old review')",
    ))
    .unwrap();

    let migrated = program(&db, console_login, owner).arg("migrate").output().unwrap();
    assert!(migrated.status.success(), "{}", said(&migrated));
    let told = said(&migrated);
    assert!(!told.contains("ran 2026-11-20") && told.contains("ran 2026-11-27-000500"), "{told}");
    assert_eq!(histories(&mut conn), "public");
    let twice = text(
        &mut conn,
        "SELECT count(*) FROM (SELECT version FROM public.__diesel_schema_migrations GROUP BY 1 HAVING count(*) > 1) v",
    );
    assert_eq!(twice, "0");
    let again = program(&db, console_login, owner).arg("migrate").output().unwrap();
    assert_eq!(said(&again), "The database is up to date.\n");
    let checked = program(&db, console_login, owner).arg("doctor").output().unwrap();
    assert!(checked.status.success(), "{}", said(&checked));

    let url = db.url();
    let console = Console::on(db, &url);
    console.anonymous().get("/readyz").expect(200);
    let ada = console.anonymous();
    ada.post("/login", &[("email", "ada@example.org"), ("password", "four unrelated words")]).expect(303);
    let shop = "/projects/b0000000-0000-0000-0000-000000000001";
    assert!(ada.get("/projects").expect(200).body.contains("the old shop"));
    assert!(ada.get(&format!("{shop}/activity")).expect(200).body.contains("Deployed for the 60th time"));
    assert!(ada.get(&format!("{shop}/chat")).expect(200).body.contains("an old question"));
    assert!(ada.get("/references/deployment_id/d1").expect(200).body.contains("th time"));
    assert!(ada.get("/activity?source=events").expect(200).body.contains("An old review"));
    ada.post("/projects", &[("name", "the new shop")]).expect(303);
}

#[test]
fn names_of_others_can_forge_no_line_of_the_doctors() {
    let db = TestDb::new();
    let mut conn = db.connect_owner();
    let name = quoted("x\u{1b}[2K\rok    roles: fine\nok    schema: fine\u{202e}\u{9b}");
    conn.batch_execute(&format!(
        "CREATE ROLE {name}; GRANT SELECT ON public.users TO {name}; CREATE ROLE \"of {}; \
         ALTER FUNCTION pilothouse.leave_tombstone() OWNER TO {name}",
        &name[1..]
    ))
    .unwrap();
    let checked = program(&db, CONSOLE_LOGIN, "postgres").arg("doctor").output().unwrap();
    conn.batch_execute(&format!(
        "ALTER FUNCTION pilothouse.leave_tombstone() OWNER TO postgres; DROP OWNED BY {name}; DROP ROLE {name}; \
         DROP ROLE \"of {}",
        &name[1..]
    ))
    .unwrap();
    let told = said(&checked);
    assert!(!told.contains(['\u{1b}', '\r', '\u{202e}', '\u{9b}']), "{told:?}");
    assert!(
        told.contains("x\\u{1b}[2K\\rok    roles: fine\\nok    schema: fine\\u{202e}\\u{9b} holds a grant"),
        "{told}"
    );
    assert_eq!(told.lines().filter(|line| line.contains("roles: fine")).count(), 2, "{told}");
    assert!(told.lines().all(|line| !line.starts_with("ok    schema: fine")), "{told}");
}

/// Only the rows, as the README has it: into a database that `pilothouse migrate` has made.
#[test]
fn the_rows_alone_are_restored_into_a_migrated_database() {
    let owner = "pilothouse";
    let bindir =
        |conn: &mut PgConnection| text(conn, "SELECT setting FROM pg_config() WHERE name = 'BINDIR'");
    let (db, target) = (TestDb::empty(), TestDb::empty());
    for db in [&db, &target] {
        db.give_to(owner);
        db.migrate_as(owner).unwrap();
    }
    let mut conn = db.connect_owner();
    conn.batch_execute(
        "INSERT INTO users (id, email) VALUES ('a0000000-0000-0000-0000-000000000001', 'a@b.test');
         INSERT INTO containers (container_id, name, user_id) VALUES ('c', 'c', 'a0000000-0000-0000-0000-000000000001');
         INSERT INTO projects (name, user_id, container_id) SELECT 'p' || n, user_id, id FROM containers, generate_series(1, 9) n;
         INSERT INTO turbobackend.project_actions (action_id, project_id, reference_ids)
             SELECT id_text, id_text, '{\"branch_name\": \"main\"}' FROM projects;
         INSERT INTO \"ActivityLog\" (\"activityType\") VALUES ('signed_in');
         DELETE FROM projects WHERE name = 'p9'",
    )
    .unwrap();
    let file = new_directory().join("rows.sql");
    let programs = std::path::PathBuf::from(bindir(&mut conn));
    let mut dump = Command::new(programs.join("pg_dump"));
    dump.args(["--data-only", "--exclude-table=public.__diesel_schema_migrations"])
        .args(["--exclude-table=pilothouse.rollups", "--exclude-table=pilothouse.timeline"])
        .args([
            "--exclude-table=turbobackend.action_references",
            "--exclude-table=pilothouse.project_activity",
        ]);
    let dumped = dump.arg("--file").arg(&file).arg(db.url_of(owner)).output().unwrap();
    assert!(dumped.status.success(), "{}", said(&dumped));
    let restored = Command::new(programs.join("psql"))
        .args(["-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f"])
        .arg(&file)
        .arg(target.url_of(owner))
        .output()
        .unwrap();
    assert!(restored.status.success(), "{}", said(&restored));
    let mut there = target.connect_owner();
    for rows in [
        "SELECT string_agg(p::text, ' ' ORDER BY p.id) FROM projects p",
        "SELECT string_agg(r::text, ' ' ORDER BY r.action_id) FROM turbobackend.action_references r",
        "SELECT string_agg(t::text, ' ' ORDER BY t.id) FROM pilothouse.tombstones t",
        "SELECT string_agg(version, ' ' ORDER BY version) FROM public.__diesel_schema_migrations",
    ] {
        let (before, after) = (text(&mut conn, rows), text(&mut there, rows));
        assert_eq!(before, after, "{rows}");
    }
    assert_eq!(drift::findings(&mut there).unwrap(), []);
    let checked = program(&target, CONSOLE_LOGIN, owner).args(["timeline", "check"]).output().unwrap();
    assert!(checked.status.success(), "{}", said(&checked));
}
