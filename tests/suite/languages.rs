//! A server that speaks another language. Its catalogs come with PostgreSQL where `LANGUAGE` finds them; the locale of
//! the system does not matter.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use pilothouse::db::{Actor, ConnectOptions, Db, DbError, migrations, pool, surroundings};
use pilothouse::postgres::{CONSOLE_LOGIN, Cluster, ClusterConfig, SUPERUSER};
use tokio::runtime::Runtime;

use crate::installing::program_at;
use crate::support::db::new_directory;

/// Languages that PostgreSQL's messages come in, the likeliest first.
const LANGUAGES: [&str; 6] = ["de", "fr", "es", "ja", "ru", "sv"];

/// A server on the data of an embedded one, started as somebody else would start it.
struct Foreign {
    server: Child,
    place: PathBuf,
}

impl Foreign {
    fn start(data: &Path, language: &str) -> Self {
        // What the embedded server was started with: the program comes first.
        let options = fs::read_to_string(data.join("postmaster.opts")).unwrap();
        let program = options.split(" \"").next().unwrap().trim();
        let owner = fs::metadata(data).unwrap();
        let place = new_directory();
        std::os::unix::fs::chown(&place, Some(owner.uid()), Some(owner.gid())).unwrap();
        let server = Command::new(program)
            .arg("-D")
            .arg(data)
            .arg("-k")
            .arg(&place)
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "lc_messages=C.UTF-8"])
            .env_remove("LC_ALL")
            .env_remove("LC_MESSAGES")
            .env("LANG", "C.UTF-8")
            .env("LANGUAGE", language)
            .gid(owner.gid())
            .uid(owner.uid())
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { server, place };
        let give_up = Instant::now() + Duration::from_secs(30);
        while PgConnection::establish(&server.url(SUPERUSER)).is_err() {
            assert!(Instant::now() < give_up, "the server does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn url(&self, login: &str) -> String {
        let place = self.place.to_str().unwrap().as_bytes();
        let place = percent_encoding::percent_encode(place, percent_encoding::NON_ALPHANUMERIC);
        format!("postgres://{login}@{place}/postgres")
    }

    fn superuser(&self) -> PgConnection {
        PgConnection::establish(&self.url(SUPERUSER)).unwrap()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let pid = self.server.id().to_string();
        let told = Command::new("kill").args(["-s", "INT", &pid]).status();
        assert!(told.is_ok_and(|told| told.success()) || std::thread::panicking());
        let _ = self.server.wait();
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    answer: String,
}

fn text(conn: &mut PgConnection, query: &str) -> String {
    diesel::sql_query(query).get_result(conn).map(|row: Row| row.answer).unwrap()
}

fn complaint(conn: &mut PgConnection) -> String {
    conn.batch_execute("SELECT 1 / 0").unwrap_err().to_string()
}

/// How often a write was run that had to wait for a row too long once, and what became of it.
fn write_beside_a_lock(server: &Foreign) -> (u32, Result<(), DbError>) {
    let mut holder = server.superuser();
    holder.batch_execute("BEGIN; SELECT FROM projects FOR UPDATE").unwrap();
    let budget = Duration::from_secs(20);
    let db =
        Db::new(&ConnectOptions { url: server.url(CONSOLE_LOGIN), size: 1, budget, behind_pooler: false });
    let (holder, count) = (Arc::new(Mutex::new(holder)), Arc::new(AtomicU32::new(0)));
    let (held, counter) = (Arc::clone(&holder), Arc::clone(&count));
    let outcome = Runtime::new().unwrap().block_on(db.write(&Actor::System, move |conn| {
        if counter.fetch_add(1, Ordering::SeqCst) == 1 {
            held.lock().unwrap().batch_execute("COMMIT")?;
        }
        Ok::<(), DbError>(conn.batch_execute("UPDATE projects SET description = 'x'")?)
    }));
    (count.load(Ordering::SeqCst), outcome)
}

#[test]
fn a_server_that_speaks_another_language_is_told_loudly_and_told_to_speak_english_where_that_is_allowed() {
    let home = new_directory();
    let cluster = Cluster::start(&ClusterConfig::new(&home).throwaway()).unwrap();
    let owner = cluster.url(SUPERUSER, "postgres");
    migrations::run(&owner, CONSOLE_LOGIN).unwrap();
    let mut conn = PgConnection::establish(&owner).unwrap();
    let spoken = text(&mut conn, "SELECT current_setting('lc_messages') AS answer");
    assert_eq!(spoken, "C", "the embedded server, whatever its environment");
    conn.batch_execute("INSERT INTO projects (name) VALUES ('shop')").unwrap();
    let data = PathBuf::from(text(&mut conn, "SELECT current_setting('data_directory') AS answer"));
    drop(conn);
    cluster.stop();

    let spoken = LANGUAGES.into_iter().find_map(|language| {
        let server = Foreign::start(&data, language);
        (complaint(&mut server.superuser()) != "division by zero").then_some(server)
    });
    let Some(server) = spoken else {
        eprintln!(
            "NOT RUN: PostgreSQL has no message catalog here, so that no server speaks another language"
        );
        return;
    };

    // Without the right to change it: it is told, and this is what it costs.
    let mut conn = pool::connect(&server.url(CONSOLE_LOGIN)).unwrap();
    let foreign = complaint(&mut conn);
    assert_ne!(foreign, "division by zero");
    let told = conn.transaction(surroundings::problems).unwrap();
    assert!(told.len() == 1 && told[0].contains(&foreign) && told[0].contains("lc_messages"), "{told:?}");
    let doctor = || {
        let checked =
            program_at(&server.url(CONSOLE_LOGIN), &server.url(SUPERUSER)).arg("doctor").output().unwrap();
        (checked.status.success(), String::from_utf8(checked.stdout).unwrap())
    };
    let (healthy, said) = doctor();
    assert!(!healthy && said.contains("FAIL  database: messages are not English"), "{said}");
    let (runs, outcome) = write_beside_a_lock(&server);
    assert!(runs == 1 && matches!(outcome, Err(DbError::Query(_))), "{runs} {outcome:?}");

    // With it, the console changes it on each connection, to the locale that no environment overrules.
    let grant = format!("GRANT SET ON PARAMETER lc_messages TO {CONSOLE_LOGIN}");
    server.superuser().batch_execute(&grant).unwrap();
    let mut conn = pool::connect(&server.url(CONSOLE_LOGIN)).unwrap();
    assert_eq!(complaint(&mut conn), "division by zero");
    assert_eq!(conn.transaction(surroundings::problems).unwrap(), Vec::<String>::new());
    let (healthy, said) = doctor();
    assert!(healthy, "{said}");
    let (runs, outcome) = write_beside_a_lock(&server);
    assert!(runs == 2 && outcome.is_ok(), "{runs} {outcome:?}");

    // What the console advises where it may not: the login carries it.
    server
        .superuser()
        .batch_execute(&format!(
            "REVOKE SET ON PARAMETER lc_messages FROM {CONSOLE_LOGIN}; ALTER ROLE {CONSOLE_LOGIN} SET lc_messages = 'C'"
        ))
        .unwrap();
    assert!(doctor().0);
    let (runs, outcome) = write_beside_a_lock(&server);
    assert!(runs == 2 && outcome.is_ok(), "{runs} {outcome:?}");
}
