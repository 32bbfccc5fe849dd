//! Nothing is reported as backed up that can't be restored.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use pilothouse::app;
use pilothouse::backups::create::{self, About};
use pilothouse::backups::{BackupError, Vault, archive, proof, restore};
use pilothouse::config::Config;
use pilothouse::db::{migrations, pool};
use pilothouse::postgres::{CONSOLE_LOGIN, Cluster, ClusterConfig};
use pilothouse::runtime::Clock;

use crate::support::console::Console;
use crate::support::db::new_directory;

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    text: String,
}

pub fn text(conn: &mut PgConnection, query: &str) -> String {
    let told: Told =
        diesel::sql_query(format!("SELECT coalesce(({query})::text, '') AS text")).get_result(conn).unwrap();
    told.text
}

fn vault(dir: &Path, key: &str) -> Vault {
    let value = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let values = HashMap::from([
        value("PILOTHOUSE_DATA_DIR", dir.join("data").to_str().unwrap()),
        value("PILOTHOUSE_BACKUPS", dir.join("backups").to_str().unwrap()),
        value("PILOTHOUSE_BACKUP_KEY", key),
    ]);
    app::vault(&Config::from_values(values).unwrap()).unwrap()
}

pub const KEY: &str = "a key of backups that is long enough";

/// A cluster that archives, and nothing waits for the disk.
pub fn cluster_in(dir: &Path) -> Cluster {
    let config = ClusterConfig { archives: true, ..ClusterConfig::new(dir.join("data")).throwaway() };
    let cluster = Cluster::start(&config).unwrap();
    migrations::run(&cluster.owner_url(), CONSOLE_LOGIN).unwrap();
    cluster
}

pub fn flip_a_bit(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Everything that the server wrote by now is in the vault afterwards.
pub fn archive_all(conn: &mut PgConnection, vault: &Vault, cluster: &Cluster) {
    let segment = text(conn, "SELECT pg_walfile_name(pg_current_wal_insert_lsn())");
    conn.batch_execute("CREATE TABLE IF NOT EXISTS public.moved_on (n int); INSERT INTO public.moved_on VALUES (1); SELECT pg_switch_wal()")
        .unwrap();
    let give_up = std::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        archive::collect(vault, cluster).unwrap();
        let archived = text(conn, "SELECT last_archived_wal FROM pg_stat_archiver");
        if archived >= segment && archive::collect(vault, cluster).unwrap() == 0 {
            return;
        }
        assert!(std::time::Instant::now() < give_up, "{segment} is not archived, only {archived}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// The archive can't be written for a while: nothing is called archived meanwhile, and what the server hands over waits.
fn without_archive(conn: &mut PgConnection, vault: &Vault, cluster: &Cluster, dir: &Path) {
    let wal = vault.dir.join("wal");
    fs::rename(&wal, dir.join("aside")).unwrap();
    fs::write(&wal, "no directory").unwrap();
    conn.batch_execute("SELECT pg_switch_wal()").unwrap();
    let give_up = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while archive::standing(vault, cluster).unwrap().waiting == 0 {
        assert!(std::time::Instant::now() < give_up, "the server hands nothing over");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(archive::collect(vault, cluster).is_err());
    let standing = archive::standing(vault, cluster).unwrap();
    assert!(standing.waiting > 0 && standing.until.is_none(), "{standing:?}");
    fs::remove_file(&wal).unwrap();
    fs::rename(dir.join("aside"), &wal).unwrap();
}

#[test]
fn rows_deleted_at_a_known_second_come_back_and_half_of_a_transaction_does_not() {
    let dir = new_directory();
    let (cluster, vault) = (cluster_in(&dir), vault(&dir, KEY));
    let mut conn = pool::connect(&cluster.owner_url()).unwrap();
    conn.batch_execute(
        "INSERT INTO users (email) SELECT 'before-' || n || '@example.com' FROM generate_series(1, 50) n",
    )
    .unwrap();
    fs::write(dir.join("data/secret.key"), "the console's own key, which seals webhooks").unwrap();

    let about = About { instance: "a test", data_dir: &dir.join("data") };
    let made = create::of_cluster(&vault, &cluster, &about, Clock::system().now()).unwrap();
    assert_eq!(made.tables["public.users"].rows, 50);
    assert_eq!(vault.names().unwrap(), std::slice::from_ref(&made.name));
    assert_eq!(vault.verify(&made.name).unwrap(), made);

    conn.batch_execute("INSERT INTO users (email) VALUES ('after@example.com')").unwrap();
    let mut other = pool::connect(&cluster.owner_url()).unwrap();
    other.batch_execute("BEGIN; INSERT INTO users (email) VALUES ('half-1@example.com')").unwrap();
    let time = text(
        &mut conn,
        "SELECT to_char(timezone('UTC', clock_timestamp()), 'YYYY-MM-DD HH24:MI:SS.US\"+00\"')",
    );
    other.batch_execute("INSERT INTO users (email) VALUES ('half-2@example.com'); COMMIT").unwrap();
    conn.batch_execute("DELETE FROM users WHERE email LIKE 'before%'").unwrap();
    without_archive(&mut conn, &vault, &cluster, &dir);
    archive_all(&mut conn, &vault, &cluster);

    let there = dir.join("restored");
    let config = ClusterConfig::new(&there).throwaway();
    let (_, restored) = restore::into_cluster(&vault, &made.name, Some(&time), &config).unwrap();
    let mut back = pool::connect(&restored.owner_url()).unwrap();
    assert_eq!(text(&mut back, "SELECT count(*) FROM users WHERE email LIKE 'before%'"), "50");
    assert_eq!(text(&mut back, "SELECT count(*) FROM users WHERE email = 'after@example.com'"), "1");
    assert_eq!(text(&mut back, "SELECT count(*) FROM users WHERE email LIKE 'half%'"), "0");
    back.batch_execute("INSERT INTO users (email) VALUES ('goes on')").unwrap();
    assert_eq!(fs::read(there.join("secret.key")).unwrap(), fs::read(dir.join("data/secret.key")).unwrap());
    drop(back);
    restored.stop();
    // It starts by itself, as what it is now.
    let again = Cluster::start(&config).unwrap();
    let mut back = pool::connect(&again.owner_url()).unwrap();
    assert_eq!(text(&mut back, "SELECT count(*) FROM users WHERE email = 'goes on'"), "1");
    drop(back);
    again.stop();
    let occupied = restore::into_cluster(&vault, &made.name, None, &config).map(|_| ()).unwrap_err();
    assert!(occupied.to_string().contains("not empty"), "{occupied}");

    // A time that nothing was archived for is no time that one can go to, and leaves nothing half done.
    let nowhere = dir.join("nowhere");
    let late = restore::into_cluster(
        &vault,
        &made.name,
        Some("2999-01-01 00:00:00+00"),
        &ClusterConfig::new(&nowhere).throwaway(),
    );
    assert!(late.map(|_| ()).unwrap_err().to_string().contains("recovery"));
    assert!(!nowhere.join("postgres/data/PG_VERSION").exists());

    // As it was made, whatever happened since.
    let proven = proof::prove(&vault, &made.name, &dir.join("proof")).unwrap();
    assert_eq!((proven.faults, proven.name), (Vec::<String>::new(), made.name.clone()));
    assert!(!dir.join("proof").exists());
    cluster.stop();

    let base = vault.dir.join(&made.name).join("base.sealed");
    let whole = fs::read(&base).unwrap();
    flip_a_bit(&base);
    assert!(matches!(vault.verify(&made.name), Err(BackupError::Damaged(_))));
    assert!(proof::prove(&vault, &made.name, &dir.join("proof")).is_err());
    fs::write(&base, &whole[..whole.len() - 20]).unwrap();
    assert!(matches!(vault.verify(&made.name), Err(BackupError::Damaged(_))));
    fs::write(&base, &whole).unwrap();
    vault.verify(&made.name).unwrap();

    let manifest = vault.dir.join(&made.name).join("backup.json");
    let told = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, told.replace("\"rows\": 50", "\"rows\": 49")).unwrap();
    assert!(matches!(vault.verify(&made.name), Err(BackupError::Damaged(_))));
    fs::write(&manifest, told).unwrap();
    assert!(matches!(
        self::vault(&dir, "another key that is long enough too").verify(&made.name),
        Err(BackupError::Damaged(_))
    ));

    let log: PathBuf = vault.dir.join("wal").join(&made.system_id).join(format!("{}.sealed", made.wal_end));
    fs::remove_file(&log).unwrap();
    let lacking = vault.verify(&made.name).unwrap_err().to_string();
    assert!(lacking.contains("the archive lacks"), "{lacking}");
}

#[test]
fn a_backup_that_can_not_be_proven_is_shown_as_failed_although_it_was_written() {
    let dir = new_directory();
    let data = dir.join("data");
    let console = Console::with(&[("PILOTHOUSE_DATA_DIR", data.to_str().unwrap())]);
    let admin = console.admin();
    let page = admin.get("/operations/backups").expect(200);
    assert!(page.text("main").contains("There is no backup yet"), "{}", page.body);
    console.sql(
        "INSERT INTO pilothouse.backups (name, kind, state, began_at, point_at, bytes, rows, error, proven_at) VALUES \
         ('20260101T000000Z', 'base', 'proven', now() - interval '20 days', now() - interval '20 days', 1234567, 89, NULL, now() - interval '15 days'), \
         ('20260102T000000Z', 'base', 'failed', now(), NULL, 0, 0, 'public.users has 1 rows instead of 2', NULL)",
    );
    let page = admin.get("/operations/backups").expect(200);
    let failed = page.text("[data-backup=\"20260102T000000Z\"]");
    assert!(failed.contains("failed") && failed.contains("instead of 2"), "{failed}");
    assert!(page.text("[data-backup=\"20260101T000000Z\"]").contains("proven"));
    assert!(page.text("main").contains("compared for two weeks"), "{}", page.body);
    let ready = console.anonymous().get("/readyz").expect(200).json();
    assert!(ready.to_string().contains("none has been restored and compared"), "{ready}");
    console.sql("UPDATE pilothouse.backups SET proven_at = now() WHERE state = 'proven'");
    assert!(!admin.get("/operations/backups").text("main").contains("for two weeks"));

    for (deed, kind) in [("create", "back_up"), ("prove", "prove_backup")] {
        admin.post("/operations/backups", &[("deed", deed)]).expect(303);
        assert_eq!(console.count(&format!("pilothouse.jobs WHERE kind = '{kind}'")), 1);
    }
    admin.post("/operations/backups", &[("deed", "burn")]).expect(400);
    console.owner().post("/operations/backups", &[("deed", "create")]).expect(404);
    assert!(!admin.get("/operations/backups").has("button[value=keep_key]"), "there is no key yet");
    app::vault(&console.app.config).unwrap();
    assert!(admin.get("/operations/backups").has("button[value=keep_key]"));
    admin.post("/operations/backups", &[("deed", "keep_key")]).expect(303);
    assert!(!admin.get("/operations/backups").has("button[value=keep_key]"));
}
