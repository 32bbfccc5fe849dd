//! A backup as the README makes it: dumped and restored by the login that owns the tables and is no superuser.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use pilothouse::db::{drift, pool};
use pilothouse::postgres::{CONSOLE_LOGIN, Cluster, ClusterConfig};

use crate::installing::{program as program_of, said};
use crate::support::console::Console;
use crate::support::db::{TestDb, new_directory};

/// No superuser, as the README's first login, and with a name that has to be quoted.
const OWNER: &str = "Täbles' \"owner\" user";

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn their_database() -> TestDb {
    let db = TestDb::empty();
    db.give_to(OWNER);
    db.migrate_as(OWNER).unwrap();
    db.connect_owner()
        .batch_execute(
            "INSERT INTO users (id, email) VALUES ('10000000-0000-0000-0000-00000000000a', 'ada@example.com');
             INSERT INTO containers (container_id, name, user_id) VALUES ('c', 'c', '10000000-0000-0000-0000-00000000000a');
             INSERT INTO projects (name, user_id, container_id) SELECT 'p' || n, user_id, id \
                 FROM containers, generate_series(1, 20) n;
             INSERT INTO turbobackend.project_actions (action_id, project_id, reference_ids) \
                 SELECT id_text, id_text, '{\"branch_name\": \"main\"}' FROM projects;
             INSERT INTO \"ActivityLog\" (\"activityType\") VALUES ('signed_in');
             DELETE FROM projects WHERE name = 'p20'",
        )
        .unwrap();
    db
}

/// One of the programs that came with the server that has `db`.
fn program(name: &str, db: &TestDb) -> Command {
    let mut conn = db.connect_owner();
    let row: Named = diesel::sql_query("SELECT setting AS text FROM pg_config() WHERE name = 'BINDIR'")
        .get_result(&mut conn)
        .unwrap();
    Command::new(Path::new(&row.text).join(name))
}

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// What a restore of `db` into an empty database of its owner says, and that database.
fn dumped_and_restored(db: &TestDb) -> (TestDb, Result<(), String>) {
    let file = new_directory().join("pilothouse.dump");
    let dumped =
        run(program("pg_dump", db).args(["--format=custom", "--file"]).arg(&file).arg(db.url_of(OWNER)));
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    let empty = TestDb::empty();
    empty.give_to(OWNER);
    let restored = run(program("pg_restore", db)
        .args(["--exit-on-error", "--dbname"])
        .arg(empty.url_of(OWNER))
        .arg(&file));
    let said = String::from_utf8_lossy(&restored.stderr).into_owned();
    (empty, if restored.status.success() { Ok(()) } else { Err(said) })
}

/// How many rows each table has.
fn rows(conn: &mut PgConnection) -> BTreeMap<String, i64> {
    let tables: Vec<Named> = diesel::sql_query(
        "SELECT format('%I.%I', schemaname, tablename) AS text FROM pg_tables \
         WHERE schemaname IN ('public', 'turbobackend', 'pilothouse')",
    )
    .load(conn)
    .unwrap();
    let count = |table: String| {
        let row: Counted =
            diesel::sql_query(format!("SELECT count(*) AS n FROM {table}")).get_result(conn).unwrap();
        (table, row.n)
    };
    tables.into_iter().map(|table| table.text).map(count).collect()
}

#[test]
fn the_owner_of_the_tables_restores_what_it_dumped() {
    let db = their_database();
    let (restored, said) = dumped_and_restored(&db);
    assert_eq!(said, Ok(()));
    let mut conn = restored.connect_owner();
    assert_eq!(drift::findings(&mut conn).unwrap(), []);
    assert_eq!(restored.migrate_as(OWNER).unwrap(), Vec::<String>::new());
    let before = rows(&mut db.connect_owner());
    assert!(before.values().sum::<i64>() > 80, "{before:?}");
    assert_eq!(rows(&mut conn), before);
    drop(conn);

    let url = restored.url();
    let console = Console::on(restored, &url);
    console.anonymous().get("/readyz").expect(200);
    let page = console.admin().get("/projects").expect(200);
    assert!(page.text("main").contains("p19"), "{}", page.body);
}

#[test]
fn a_server_of_ones_own_is_dumped_by_its_owner_and_comes_back_on_another_server_by_another_login() {
    let db = their_database();
    let backups = new_directory();
    let run = |arguments: &[&str]| {
        let mut program = program_of(&db, CONSOLE_LOGIN, OWNER);
        program
            .env("PILOTHOUSE_BACKUPS", &backups)
            .env("PILOTHOUSE_BACKUP_KEY", "a key of backups that is long enough");
        let output = program.args(arguments).output().unwrap();
        (output.status.success(), said(&output))
    };
    let (is_made, told) = run(&["backup", "create"]);
    assert!(is_made && told.contains("\tdump\t"), "{told}");
    let (is_fine, told) = run(&["backup", "list"]);
    assert!(is_fine && told.lines().count() == 1, "{told}");
    let name = told.split('\t').next().unwrap().to_owned();
    let (is_whole, told) = run(&["backup", "verify"]);
    assert!(is_whole && told.contains("is whole"), "{told}");
    let (is_done, told) = run(&["restore", &name, "--at", "2026-11-27 14:05:00", "--to", "postgres://h/db"]);
    assert!(!is_done && told.contains("a dump is of one moment"), "{told}");
    let before = rows(&mut db.connect_owner());

    let server = Cluster::start(&ClusterConfig::new(new_directory().join("data")).throwaway()).unwrap();
    let mut conn = pool::connect(&server.owner_url()).unwrap();
    conn.batch_execute("CREATE ROLE keeper LOGIN CREATEROLE").unwrap();
    conn.batch_execute("CREATE DATABASE empty OWNER keeper").unwrap();
    let (is_done, told) = run(&["restore", &name, "--to", &server.url("keeper", "empty")]);
    assert!(is_done, "{told}");
    let mut back = pool::connect(&server.url("keeper", "empty")).unwrap();
    // That it was made is on record since.
    let mut after = rows(&mut back);
    for changing in ["pilothouse.backups", "pilothouse.jobs"] {
        after.remove(changing);
    }
    assert_eq!(
        after,
        before.into_iter().filter(|(name, _)| after.contains_key(name)).collect::<BTreeMap<_, _>>()
    );
    assert_eq!(drift::findings(&mut back).unwrap(), []);
    let (is_done, told) = run(&["restore", &name, "--to", &server.url("keeper", "empty")]);
    assert!(!is_done && told.contains("not empty"), "{told}");
    drop((conn, back));
    server.stop();
}

#[test]
fn what_belongs_to_a_role_that_may_make_nothing_could_not_be_restored() {
    let db = their_database();
    let earlier = include_str!("../../migrations/2026-11-21-000420_own_the_look_ups/down.sql");
    db.connect_owner().batch_execute(earlier).unwrap();
    let told: Vec<String> =
        drift::findings(&mut db.connect_owner()).unwrap().iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|told| told.contains("definer pilothouse_gate")), "{told:?}");
    let (_, said) = dumped_and_restored(&db);
    let said = said.unwrap_err();
    assert!(said.contains("permission denied for schema pilothouse"), "{said}");
}
