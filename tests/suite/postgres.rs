//! The embedded cluster: it starts, stops, recovers, and keeps others out.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use pilothouse::db::migrations;
use pilothouse::postgres::{
    CONSOLE_LOGIN, Cluster, ClusterConfig, ClusterError, DATABASE, SUPERUSER, statements,
};

use crate::support::db::{TestDb, new_directory};

/// A directory for one test's cluster, removed with it.
struct Place {
    dir: PathBuf,
}

impl Place {
    /// Nothing there yet: the first start makes the cluster.
    fn new() -> Self {
        Self { dir: new_directory() }
    }

    /// A cluster that was started and stopped once: copied, since making one takes ten times as long.
    fn with_cluster() -> Self {
        static MADE: LazyLock<Place> = LazyLock::new(|| {
            let place = Place::new();
            Cluster::start(&place.config()).unwrap().stop();
            place
        });
        let place = Self::new();
        let copied = Command::new("cp").arg("-a").arg(MADE.data_dir()).arg(place.data_dir()).status();
        assert!(copied.unwrap().success());
        place
    }

    fn data_dir(&self) -> PathBuf {
        self.dir.join("home")
    }

    fn config(&self) -> ClusterConfig {
        self.durable_config().throwaway()
    }

    fn durable_config(&self) -> ClusterConfig {
        ClusterConfig { fallback_parent: self.dir.join("fallback"), ..ClusterConfig::new(self.data_dir()) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.dir).unwrap();
    }
}

fn connect(cluster: &Cluster) -> PgConnection {
    PgConnection::establish(&cluster.owner_url()).unwrap()
}

fn setting(conn: &mut PgConnection, name: &str) -> String {
    diesel::select(diesel::dsl::sql::<Text>(&format!("current_setting('{name}')"))).get_result(conn).unwrap()
}

fn holds(conn: &mut PgConnection, condition: &str) -> bool {
    diesel::select(diesel::dsl::sql::<Bool>(condition)).get_result(conn).unwrap()
}

fn kill_9(pid: u32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < give_up, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_running(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}/cwd")).read_link().is_ok()
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn a_cluster_starts_from_nothing_with_its_database_and_its_login() {
    let place = Place::new();
    let cluster = Cluster::start(&place.config()).unwrap();

    let mut console = PgConnection::establish(&cluster.console_url()).unwrap();

    assert!(holds(
        &mut console,
        &format!("current_user = '{CONSOLE_LOGIN}' AND current_database() = '{DATABASE}'")
    ));
    assert!(holds(
        &mut console,
        "(SELECT NOT rolsuper AND NOT rolinherit AND NOT rolbypassrls AND NOT rolcreaterole \
          FROM pg_roles WHERE rolname = current_user)"
    ));
    assert_eq!(setting(&mut console, "server_encoding"), "UTF8");
    assert_eq!(setting(&mut console, "data_checksums"), "on");

    // Where the library is, the server counts its statements; the console reads them in another database, so that its own
    // stays without the extension.
    let counts = setting(&mut connect(&cluster), "shared_preload_libraries") == "pg_stat_statements";
    match statements::of_embedded(&place.data_dir()) {
        Ok(costly) => {
            let told = costly.iter().find(|costly| costly.statement.contains("rolbypassrls AND"));
            assert!(
                counts && told.is_some_and(|costly| costly.calls == 1 && costly.total_ms > 0.0),
                "{costly:?}"
            );
        }
        Err(error) => assert!(!counts, "{error}"),
    }
    assert!(holds(
        &mut console,
        "NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')"
    ));
}

#[test]
fn a_durable_cluster_waits_for_the_disk_and_a_throwaway_one_does_not() {
    for (throwaway, expected) in [(false, "on"), (true, "off")] {
        let place = Place::with_cluster();
        let config = ClusterConfig::new(place.data_dir());
        let cluster = Cluster::start(&if throwaway { config.throwaway() } else { config }).unwrap();
        let mut conn = connect(&cluster);
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            assert_eq!(setting(&mut conn, name), expected, "{name}");
        }
    }
}

#[test]
fn nobody_else_reaches_the_socket_and_there_is_no_tcp() {
    let place = Place::with_cluster();
    let cluster = Cluster::start(&place.config()).unwrap();
    let mut conn = connect(&cluster);

    assert_eq!(setting(&mut conn, "listen_addresses"), "");
    let socket_dir = PathBuf::from(setting(&mut conn, "unix_socket_directories"));
    let found = fs::metadata(&socket_dir).unwrap();
    let server = fs::metadata(format!("/proc/{}", cluster.server_pid().unwrap())).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o700);
    assert_eq!(found.uid(), server.uid());
    assert_ne!(server.uid(), 0, "the server does not run as root");
}

#[test]
fn a_stop_ends_the_server_and_the_next_start_finds_the_rows() {
    let place = Place::with_cluster();
    let cluster = Cluster::start(&place.config()).unwrap();
    let pid = cluster.server_pid().unwrap();
    connect(&cluster).batch_execute("CREATE TABLE kept AS SELECT 1 AS one").unwrap();
    // A session that stays open must not hold the stop up.
    let _idle = connect(&cluster);

    cluster.stop();

    assert!(!is_running(pid));
    assert!(!place.data_dir().join("postgres/data/postmaster.pid").exists(), "a clean stop");
    let again = Cluster::start(&place.config()).unwrap();
    assert!(holds(&mut connect(&again), "(SELECT one FROM kept) = 1"));
}

#[test]
fn dropping_the_cluster_ends_the_server() {
    let place = Place::with_cluster();
    let cluster = Cluster::start(&place.config()).unwrap();
    let pid = cluster.server_pid().unwrap();

    drop(cluster);

    assert!(!is_running(pid));
}

#[test]
fn a_server_that_outlives_the_thread_that_started_it_keeps_running() {
    let place = Place::with_cluster();
    let config = place.config();
    let cluster = std::thread::spawn(move || Cluster::start(&config).unwrap()).join().unwrap();
    let pid = cluster.server_pid().unwrap();

    std::thread::sleep(Duration::from_millis(300));

    assert_eq!(cluster.server_pid(), Some(pid));
    connect(&cluster);
}

#[test]
fn a_killed_server_comes_back_by_itself_with_what_was_committed() {
    let place = Place::with_cluster();
    let cluster = Cluster::start(&place.durable_config()).unwrap();
    let pid = cluster.server_pid().unwrap();
    connect(&cluster).batch_execute("CREATE TABLE kept AS SELECT 1 AS one").unwrap();

    kill_9(pid);

    eventually("a new server", || cluster.server_pid().is_some_and(|now| now != pid));
    eventually("a connection", || PgConnection::establish(&cluster.owner_url()).is_ok());
    assert!(holds(&mut connect(&cluster), "(SELECT one FROM kept) = 1"));
}

#[test]
fn a_start_right_after_the_server_was_killed_recovers() {
    let place = Place::with_cluster();
    let cluster = Cluster::start(&place.durable_config()).unwrap();
    connect(&cluster).batch_execute("CREATE TABLE kept AS SELECT 1 AS one").unwrap();
    let mut busy = connect(&cluster);
    let pid = cluster.server_pid().unwrap();

    kill_9(pid);
    drop(cluster);
    assert!(place.data_dir().join("postgres/data/postmaster.pid").exists(), "the crash left its pid file");
    let again = Cluster::start(&place.durable_config()).unwrap();

    assert!(holds(&mut connect(&again), "(SELECT one FROM kept) = 1"));
    assert!(busy.batch_execute("SELECT 1").is_err(), "the old session is gone");
}

#[test]
fn a_server_that_an_earlier_console_left_running_is_stopped_before_a_start() {
    let place = Place::with_cluster();
    let cluster = Cluster::start(&place.config()).unwrap();
    let server = cluster.server_pid().unwrap();
    let command = fs::read_to_string(format!("/proc/{server}/cmdline")).unwrap();
    let command: Vec<&str> = command.split_terminator('\0').collect();
    let owner = fs::metadata(format!("/proc/{server}")).unwrap();
    cluster.stop();
    // The same server, but nobody tells it that its console is gone.
    let mut orphan = Command::new(command[0]);
    orphan.args(&command[1..]).current_dir("/");
    if is_root() {
        orphan.uid(owner.uid()).gid(owner.gid());
    }
    let mut orphan = orphan.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the orphan", || Cluster::attach(&place.data_dir()).is_ok());

    let next = Cluster::start(&place.config()).unwrap();

    assert!(orphan.wait().unwrap().success(), "it was stopped cleanly");
    connect(&next);
}

#[test]
fn a_second_start_on_the_same_directory_is_refused_in_one_line_that_names_the_first() {
    let place = Place::with_cluster();
    let first = Cluster::start(&place.config()).unwrap();

    let refused = Cluster::start(&place.config()).unwrap_err();

    assert!(matches!(refused, ClusterError::InUse { pid: Some(pid), .. } if pid == std::process::id()));
    let line = refused.to_string();
    assert!(
        line.contains(place.data_dir().to_str().unwrap()) && line.contains("PILOTHOUSE_DATA_DIR"),
        "{line}"
    );
    assert_eq!(line.lines().count(), 1);
    connect(&first);
}

#[test]
fn a_command_attaches_to_the_running_server_and_leaves_it_running() {
    let place = Place::with_cluster();
    let serving = Cluster::start(&place.config()).unwrap();

    let attached = Cluster::start_or_attach(&place.config()).unwrap();

    assert!(!attached.is_ours());
    assert_eq!(attached.owner_url(), serving.owner_url());
    connect(&attached);
    drop(attached);
    connect(&serving);
}

#[test]
fn a_command_starts_the_cluster_when_nobody_runs_it() {
    let place = Place::new();

    let nothing = Cluster::attach(&place.data_dir()).unwrap_err();
    let own = Cluster::start_or_attach(&place.config()).unwrap();

    assert!(matches!(nothing, ClusterError::NotRunning(_)), "{nothing}");
    assert!(own.is_ours());
    drop(own);
    let stopped = Cluster::attach(&place.data_dir()).unwrap_err();
    assert!(matches!(stopped, ClusterError::NotRunning(_)), "{stopped}");
}

#[test]
fn two_commands_at_once_share_one_server() {
    let place = Place::new();
    let configs = [place.config(), place.config(), place.config()];
    let ours = std::thread::scope(|scope| {
        let commands = configs.each_ref().map(|config| {
            scope.spawn(|| {
                let cluster = Cluster::start_or_attach(config).unwrap();
                connect(&cluster);
                // Long enough for the others to attach rather than to start after it.
                std::thread::sleep(Duration::from_secs(2));
                cluster.is_ours()
            })
        });
        commands.map(|command| command.join().unwrap())
    });
    assert_eq!(ours.iter().filter(|ours| **ours).count(), 1);
}

#[test]
fn a_cluster_whose_making_was_cut_short_is_made_afresh() {
    let place = Place::with_cluster();
    let data = place.data_dir().join("postgres/data");
    let unfinished = data.with_file_name("data.new");
    fs::rename(&data, &unfinished).unwrap();
    fs::remove_dir_all(unfinished.join("global")).unwrap();

    let cluster = Cluster::start(&place.config()).unwrap();

    connect(&cluster);
    assert!(!unfinished.exists());
}

#[test]
fn a_set_up_that_was_cut_short_is_completed_by_the_next_start() {
    let place = Place::with_cluster();
    let cluster = Cluster::start(&place.config()).unwrap();
    let mut conn = PgConnection::establish(&cluster.url(SUPERUSER, "postgres")).unwrap();
    conn.batch_execute(&format!("DROP DATABASE {DATABASE}")).unwrap();
    conn.batch_execute(&format!("DROP ROLE {CONSOLE_LOGIN}")).unwrap();
    cluster.stop();

    let again = Cluster::start(&place.config()).unwrap();

    PgConnection::establish(&again.console_url()).unwrap();
}

#[test]
fn a_directory_with_other_things_in_it_is_not_touched() {
    let place = Place::with_cluster();
    let data = place.data_dir().join("postgres/data");
    fs::remove_dir_all(&data).unwrap();
    fs::create_dir(&data).unwrap();
    fs::write(data.join("letters.txt"), "mine").unwrap();

    let refused = Cluster::start(&place.config()).unwrap_err();

    assert!(matches!(refused, ClusterError::NotACluster(_)), "{refused}");
    assert_eq!(fs::read_to_string(data.join("letters.txt")).unwrap(), "mine");
}

#[test]
fn a_cluster_of_another_version_is_refused_with_the_package_to_install() {
    let place = Place::with_cluster();
    fs::write(place.data_dir().join("postgres/data/PG_VERSION"), "9\n").unwrap();

    let line = Cluster::start(&place.config()).unwrap_err().to_string();

    assert!(line.contains("made by PostgreSQL 9") && line.contains("postgresql-9"), "{line}");
}

#[test]
fn a_server_that_does_not_start_says_why_and_where_its_log_is() {
    let place = Place::with_cluster();
    let settings = place.data_dir().join("postgres/data/postgresql.conf");
    fs::write(&settings, "no_such_setting = on\n").unwrap();

    let line = Cluster::start(&place.config()).unwrap_err().to_string();

    assert!(line.contains("FATAL") && line.contains("server.log"), "{line}");
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named() {
    let place = Place::new();
    fs::write(place.data_dir(), "a file").unwrap();

    let line = Cluster::start(&place.config()).unwrap_err().to_string();

    assert!(line.contains(place.data_dir().to_str().unwrap()), "{line}");
}

#[test]
fn a_path_too_long_for_a_socket_gets_its_socket_elsewhere() {
    let place = Place::new();
    let deep = place.dir.join("d".repeat(60)).join("e, \"f".repeat(12));
    let config = ClusterConfig { data_dir: deep.clone(), ..place.config() };

    let cluster = Cluster::start(&config).unwrap();

    let socket_dir = PathBuf::from(setting(&mut connect(&cluster), "unix_socket_directories"));
    assert!(!socket_dir.starts_with(&deep));
    assert_eq!(Cluster::attach(&deep).unwrap().owner_url(), cluster.owner_url());
    drop(cluster);
    fs::remove_dir(socket_dir).unwrap();
}

#[test]
fn as_root_a_private_home_gets_its_cluster_where_the_server_can_enter_each_time_the_same() {
    if !is_root() {
        // Nobody but root runs the server as someone else: then a private home is the server's own.
        let place = Place::new();
        fs::create_dir(place.data_dir()).unwrap();
        fs::set_permissions(place.data_dir(), fs::Permissions::from_mode(0o700)).unwrap();
        Cluster::start(&place.config()).unwrap();
        assert!(!place.dir.join("fallback").exists());
        return;
    }
    let place = Place::new();
    fs::create_dir(place.data_dir()).unwrap();
    fs::set_permissions(place.data_dir(), fs::Permissions::from_mode(0o700)).unwrap();
    let cluster = Cluster::start(&place.config()).unwrap();
    connect(&cluster).batch_execute("CREATE TABLE kept AS SELECT 1 AS one").unwrap();
    let target = fs::read_link(place.data_dir().join("postgres")).unwrap();
    assert!(target.starts_with(place.dir.join("fallback")), "{}", target.display());
    cluster.stop();

    // The home is opened later: the rows are still where they were.
    fs::set_permissions(place.data_dir(), fs::Permissions::from_mode(0o755)).unwrap();
    let again = Cluster::start(&place.config()).unwrap();
    assert!(holds(&mut connect(&again), "(SELECT one FROM kept) = 1"));
    again.stop();

    // A cluster that vanished is not replaced by an empty one.
    fs::remove_dir_all(&target).unwrap();
    let lost = Cluster::start(&place.config()).unwrap_err();
    assert!(matches!(lost, ClusterError::LostTarget { .. }), "{lost}");
}

#[test]
fn a_test_database_is_migrated_and_its_own() {
    let (one, other) = (TestDb::new(), TestDb::new());

    one.connect_owner().batch_execute("CREATE TABLE mine ()").unwrap();

    assert!(holds(&mut other.connect_owner(), "to_regclass('mine') IS NULL"));
    assert_eq!(migrations::pending(&mut one.connect_owner()).unwrap(), Vec::<String>::new());
    PgConnection::establish(&one.url()).unwrap();
}

#[test]
fn an_empty_test_database_lacks_what_a_migrated_one_has() {
    let db = TestDb::empty();
    let lacking = migrations::pending(&mut db.connect_owner()).unwrap();

    let done = db.migrate().unwrap();

    assert_eq!(done, lacking);
    assert_eq!(migrations::pending(&mut db.connect_owner()).unwrap(), Vec::<String>::new());
    assert_eq!(db.migrate().unwrap(), Vec::<String>::new());
}

#[test]
fn instances_that_start_at_the_same_time_migrate_once() {
    let db = TestDb::empty();
    // Roles are the cluster's: the template has made them, so that only the schema is at stake.
    drop(TestDb::new());
    let lacking = migrations::pending(&mut db.connect_owner()).unwrap();

    let done = std::thread::scope(|scope| {
        let run = || migrations::run(&db.owner_url(), CONSOLE_LOGIN).unwrap();
        [(); 3].map(|()| scope.spawn(run)).map(|instance| instance.join().unwrap())
    });

    assert_eq!(done.concat(), lacking);
}
