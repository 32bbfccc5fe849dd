//! Copies of backups in buckets: a real server of them, and everything that can become of one.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use pilothouse::app;
use pilothouse::backups::create::{self, About};
use pilothouse::backups::{BackupError, Bucket, Vault, copies};
use pilothouse::config::Config;
use pilothouse::db::{Actor, ConnectOptions, Db, DbError, pool};
use pilothouse::outgoing::Outgoing;
use pilothouse::postgres::{Cluster, ClusterConfig};
use pilothouse::runtime::Clock;

use crate::backups::{KEY, archive_all, cluster_in, flip_a_bit, text};
use crate::installing::said;
use crate::support::buckets::{ACCESS_KEY, Buckets, SECRET_KEY};
use crate::support::console::Console;
use crate::support::db::new_directory;

/// What the environment of a console says that copies to `buckets`.
fn environment(dir: &Path, buckets: &str) -> HashMap<String, String> {
    [
        ("PILOTHOUSE_DATA_DIR", dir.join("data").to_str().unwrap()),
        ("PILOTHOUSE_BACKUPS", dir.join("backups").to_str().unwrap()),
        ("PILOTHOUSE_BACKUP_KEY", KEY),
        ("PILOTHOUSE_BACKUP_BUCKETS", buckets),
        ("PILOTHOUSE_PRIVATE_TARGETS", "127.0.0.0/8"),
        ("TESTS_ACCESS_KEY_ID", ACCESS_KEY),
        ("TESTS_SECRET_ACCESS_KEY", SECRET_KEY),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn buckets(values: HashMap<String, String>) -> Vec<Bucket> {
    let config = Config::from_values(values).unwrap();
    app::buckets(&config, &Outgoing::to(config.outside.private_targets.clone())).unwrap()
}

/// What copies are made of, and where they are put on record.
struct Stage {
    dir: PathBuf,
    db: Db,
    vault: Vault,
}

impl Stage {
    fn copy(&self, bucket: &Bucket) -> Result<bool, BackupError> {
        copies::copy(&self.db, &self.vault, bucket, Clock::system().now(), &|| false)
    }

    /// What is on record of the copy in a bucket.
    fn state(&self, bucket: &Bucket) -> String {
        let read = |conn: &mut _| copies::all(conn).map_err(DbError::from);
        let all = self.db.read_blocking(&Actor::System, read).unwrap();
        let mut states = all.iter().filter(|copy| copy.bucket == bucket.name).map(|copy| copy.state.clone());
        states.next().unwrap_or_default()
    }

    fn fails(&self, bucket: &Bucket, words: &str) {
        let told = self.copy(bucket).unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
        assert!(!told.contains(SECRET_KEY) && !told.contains("Signature="), "{told}");
    }
}

/// The command that a person would type on a new machine.
fn run(values: &HashMap<String, String>, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pilothouse"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(values)
        .args(arguments)
        .output()
        .unwrap();
    (output.status.success(), said(&output))
}

#[test]
fn a_backup_comes_back_from_either_bucket_after_the_machine_is_lost_and_nothing_spoiled_is_told_as_good() {
    let dir = new_directory();
    let server = Buckets::start(&["near", "far"]);
    let addresses = format!("{} {}", server.address("near"), server.address("far"));
    let values = environment(&dir, &addresses);
    let cluster = cluster_in(&dir);
    let mut conn = pool::connect(&cluster.owner_url()).unwrap();
    // Noise, so that what is packed goes up in parts.
    conn.batch_execute(
        "INSERT INTO users (email) SELECT 'before-' || n || '@example.com' FROM generate_series(1, 50) n; \
         CREATE TABLE public.noise AS SELECT sha256(random()::text::bytea) FROM generate_series(1, 300000)",
    )
    .unwrap();
    let config = Config::from_values(values.clone()).unwrap();
    let options = ConnectOptions {
        url: cluster.console_url(),
        size: 2,
        budget: Duration::from_secs(20),
        behind_pooler: false,
    };
    let stage = Stage { dir, db: Db::new(&options), vault: app::vault(&config).unwrap() };
    let about = About { instance: "a test", data_dir: &stage.dir.join("data") };
    let made = create::of_cluster(&stage.vault, &cluster, &about, Clock::system().now()).unwrap();
    assert!(made.bytes() > 11 << 20, "{}", made.bytes());
    let mut both = buckets(values.clone());
    for bucket in &mut both {
        bucket.part = 5 << 20;
    }
    let (near, far) = (both[0].clone(), both[1].clone());
    stage.db.write_blocking(&Actor::System, |conn| copies::keep(conn, &both).map_err(DbError::from)).unwrap();

    comes_in_parts(&stage, &near, &server, &mut conn);
    assert!(stage.copy(&far).unwrap());
    for bucket in &both {
        assert_eq!(stage.state(bucket), "verified");
        assert_eq!(stage.vault.in_bucket(bucket).names().unwrap(), std::slice::from_ref(&made.name));
    }

    is_spoiled(&stage, &near, &server, &made.name, &mut conn);
    is_refused(&stage, &values);

    // What happened since goes along, too.
    let time =
        text(&mut conn, "SELECT to_char(timezone('UTC', clock_timestamp()), 'YYYY-MM-DD HH24:MI:SS.US')");
    conn.batch_execute("DELETE FROM users WHERE email LIKE 'before%'").unwrap();
    archive_all(&mut conn, &stage.vault, &cluster);
    assert!(stage.copy(&far).unwrap());
    assert_ne!(text(&mut conn, "SELECT log_until FROM pilothouse.buckets WHERE name = 'far'"), "");

    let (is_fine, told) = run(&values, &["backup", "copy"]);
    assert!(is_fine && told.contains("near has everything") && told.contains("far has everything"), "{told}");
    let (is_fine, told) = run(&values, &["backup", "list"]);
    assert!(is_fine && told.contains("\tfar=verified\tnear=verified\n"), "{told}");

    drop(conn);
    cluster.stop();
    fs::remove_dir_all(&stage.dir).unwrap();
    fs::remove_dir_all(server.root.join("near")).unwrap();
    let there = stage.dir.join("restored");
    let restored = there.to_str().unwrap();
    let (is_fine, told) = run(&values, &["backup", "list", "--from", "far"]);
    assert!(is_fine && told.starts_with(&format!("{}\tbase\t", made.name)), "{told}");
    let (is_fine, told) = run(&values, &["restore", &made.name, "--from", "near", "--to", restored]);
    assert!(!is_fine && told.contains("the bucket near") && told.contains("make it first"), "{told}");
    let mut strange = values.clone();
    strange.insert("PILOTHOUSE_BACKUP_KEY".to_owned(), "another key that is long enough too".to_owned());
    let (is_fine, told) = run(&strange, &["restore", &made.name, "--from", "far", "--to", restored]);
    assert!(!is_fine && told.contains("sealed with another key"), "{told}");
    let (is_fine, told) =
        run(&values, &["restore", &made.name, "--from", "far", "--at", &time, "--to", restored]);
    assert!(is_fine, "{told}");
    let cluster = Cluster::start(&ClusterConfig::new(&there).throwaway()).unwrap();
    let mut back = pool::connect(&cluster.owner_url()).unwrap();
    assert_eq!(text(&mut back, "SELECT count(*) FROM users WHERE email LIKE 'before%'"), "50");
    assert_eq!(text(&mut back, "SELECT count(*) FROM noise"), "300000");
    drop(back);
    cluster.stop();
}

/// An upload that is interrupted goes on where it was.
fn comes_in_parts(stage: &Stage, bucket: &Bucket, server: &Buckets, conn: &mut diesel::PgConnection) {
    let until = |most: u32| {
        let asked = Cell::new(0);
        let is_to_stop = || {
            asked.set(asked.get() + 1);
            asked.get() > most
        };
        copies::copy(&stage.db, &stage.vault, bucket, Clock::system().now(), &is_to_stop)
    };
    let mut parts = || {
        let id = text(conn, "SELECT split_part(upload, ' ', 1) FROM pilothouse.copies");
        let names = fs::read_dir(&server.root).unwrap().map(|entry| entry.unwrap().file_name());
        let start = format!(".upload_id-{id}.part-");
        let found = names.filter(|name| name.to_string_lossy().starts_with(&start)).count();
        (id, found)
    };
    assert!(!until(2).unwrap());
    let (id, found) = parts();
    assert!(!id.is_empty() && found == 1, "{id}: {found}");
    assert_eq!(stage.state(bucket), "copying");
    assert_eq!(stage.vault.in_bucket(bucket).names().unwrap(), Vec::<String>::new(), "it is no backup yet");
    assert!(!until(2).unwrap());
    assert_eq!(parts(), (id, 2), "the first went up once");
    assert!(stage.copy(bucket).unwrap());
}

/// A bit that was turned in the bucket is found when the copy is read back; then it is brought anew.
fn is_spoiled(stage: &Stage, bucket: &Bucket, server: &Buckets, name: &str, conn: &mut diesel::PgConnection) {
    flip_a_bit(&server.file("near", &format!("{name}/base.sealed")));
    conn.batch_execute("UPDATE pilothouse.copies SET verified_at = now() - interval '8 days'").unwrap();
    stage.fails(bucket, "is damaged");
    assert_eq!(stage.state(bucket), "failed");
    assert_ne!(text(conn, "SELECT failing_since FROM pilothouse.buckets WHERE name = 'near'"), "");
    assert!(stage.copy(bucket).unwrap());
    assert_eq!(stage.state(bucket), "verified");
    assert_eq!(text(conn, "SELECT failing_since FROM pilothouse.buckets WHERE name = 'near'"), "");
    // What lacks its signature is none, and is brought again.
    fs::remove_file(server.file("near", &format!("{name}/backup.mac"))).unwrap();
    assert!(stage.vault.in_bucket(bucket).names().unwrap().is_empty());
    assert!(stage.copy(bucket).unwrap());
    assert_eq!(stage.vault.in_bucket(bucket).names().unwrap().len(), 1);
}

/// A bucket that is gone, says nothing, lets nobody in, or is somebody else's: in words, and no copy is told.
fn is_refused(stage: &Stage, values: &HashMap<String, String>) {
    let mut wrong = values.clone();
    wrong.insert("TESTS_SECRET_ACCESS_KEY".to_owned(), "not the secret".to_owned());
    stage.fails(&buckets(wrong)[0], "it refuses (403");

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = |port: u16| {
        let mut changed = values.clone();
        let address = format!("http://127.0.0.1:{port}/copies?credentials=TESTS");
        changed.insert("PILOTHOUSE_BACKUP_BUCKETS".to_owned(), address);
        let mut bucket = buckets(changed).remove(0);
        bucket.patience = Duration::from_millis(300);
        bucket
    };
    let port = silent.local_addr().unwrap().port();
    stage.fails(&at(port), "did not answer in time");
    drop(silent);
    stage.fails(&at(port), "No connection could be made");

    let mut public = values.clone();
    public.remove("PILOTHOUSE_PRIVATE_TARGETS");
    stage.fails(&buckets(public)[0], "PILOTHOUSE_PRIVATE_TARGETS");

    let mut other = values.clone();
    other.insert("PILOTHOUSE_BACKUP_KEY".to_owned(), "another key that is long enough too".to_owned());
    let vault = app::vault(&Config::from_values(other).unwrap()).unwrap();
    let stranger = Stage { dir: stage.dir.clone(), db: stage.db.clone(), vault };
    stranger.fails(&buckets(values.clone())[0], "sealed with another key");
}

#[test]
fn how_each_copy_stands_is_shown_on_its_own_and_told_to_prometheus() {
    let console = Console::start();
    let admin = console.admin();
    assert!(admin.get("/operations/backups").text("main").contains("PILOTHOUSE_BACKUP_BUCKETS"));
    console.sql(
        "INSERT INTO pilothouse.backups (name, kind, state, began_at, point_at) VALUES \
             ('20260101T000000Z', 'base', 'verified', now(), now()); \
         INSERT INTO pilothouse.buckets (name, place, region, since, copied_at, failing_since, error) VALUES \
             ('far', 'https://far.test/b/', 'x-1', now() - interval '2 days', NULL, now() - interval '1 hour', 'it refuses (403)'), \
             ('near', 'https://near.test/b/', 'x-2', now() - interval '2 days', now(), NULL, NULL), \
             ('new', 'https://new.test/b/', 'x-3', now(), NULL, NULL, NULL); \
         INSERT INTO pilothouse.copies (bucket, backup, made_at, state, verified_at, error) VALUES \
             ('far', '20260101T000000Z', now() - interval '30 minutes', 'failed', NULL, 'read back: damaged'), \
             ('near', '20260101T000000Z', now() - interval '30 minutes', 'verified', now(), NULL), \
             ('near', '29990101T000000Z', now() + interval '900 years', 'copied', NULL, NULL)",
    );
    let page = admin.get("/operations/backups").expect(200);
    let backup = page.text("[data-backup=\"20260101T000000Z\"]");
    for words in ["near: verified", "far: failed", "new: not copied", "read back: damaged"] {
        assert!(backup.contains(words), "{words}: {backup}");
    }
    assert!(page.text("[data-bucket=far]").contains("it refuses (403)"), "{}", page.body);
    assert!(page.text("[data-bucket=near]").contains("copied"), "{}", page.body);
    assert!(page.text("[data-bucket=new]").contains("nothing yet"), "{}", page.body);
    console.sql("UPDATE pilothouse.copies SET made_at = now() - interval '2 days' WHERE backup LIKE '2026%'");
    assert!(admin.get("/operations/backups").text("[data-bucket=near]").contains("late"));

    let told = console.anonymous().get("/metrics").expect(200).body;
    for expected in [
        // What was made while the clock was ahead is no sign of life.
        "pilothouse_backup_copy_age_seconds{bucket=\"near\"} 172",
        "pilothouse_backup_copy_age_seconds{bucket=\"far\"} 172",
        "pilothouse_bucket_failing_seconds{bucket=\"far\"} 36",
        "pilothouse_bucket_failing_seconds{bucket=\"near\"} 0.0",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    admin.post("/operations/backups", &[("deed", "copy")]).expect(303);
    assert_eq!(console.count("pilothouse.jobs WHERE kind = 'copy_backups'"), 1);
}
