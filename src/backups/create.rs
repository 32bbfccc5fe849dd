//! Making a backup.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use super::store::{Kind, Manifest, name_at};
use super::tables::{self, TableSum};
use super::{At, BackupError, Vault, archive};
use crate::db::pool;
use crate::db::time::Timestamptz;
use crate::postgres::Cluster;

/// How long the server may take to hand over the last file of the log.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often writers may be in the way of holding still.
const TRIES: u32 = 30;

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Text)]
    segment: String,
}

#[derive(QueryableByName)]
struct Mark {
    #[diesel(sql_type = Text)]
    segment: String,
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    snapshot: String,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Integer)]
    number: i32,
}

/// What a backup is told about the console that it is of.
#[derive(Debug, Clone)]
pub struct About<'a> {
    pub instance: &'a str,
    /// Where the console's own key lies, if it made one.
    pub data_dir: &'a Path,
}

/// Copies the embedded cluster while it is in use, and says what each table held at one moment of it.
///
/// # Errors
/// When any part can't be written: what is there then is no backup, and is removed.
pub fn of_cluster(
    vault: &Vault,
    cluster: &Cluster,
    about: &About<'_>,
    at: DateTime<Utc>,
) -> Result<Manifest, BackupError> {
    archive::make(&vault.dir)?;
    let name = name_at(at);
    let part = vault.dir.join(format!("{name}.part"));
    if vault.of_name(&name).exists() || part.exists() {
        return Err(BackupError::Failed("another backup begins at this second".to_owned()));
    }
    remove_parts(vault)?;
    archive::make(&part)?;
    let made = write(vault, cluster, about, &name, &part).and_then(|manifest| {
        let whole = vault.of_name(&name);
        fs::rename(&part, &whole).and_then(|()| super::store::sync(&vault.dir)).at(&whole)?;
        Ok(manifest)
    });
    if made.is_err() {
        // Failing already.
        let _ = fs::remove_dir_all(&part);
    }
    made
}

/// Removes what attempts left that were killed. One that goes on is at work in this same minute.
fn remove_parts(vault: &Vault) -> Result<(), BackupError> {
    for entry in fs::read_dir(&vault.dir).at(&vault.dir)? {
        let entry = entry.at(&vault.dir)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_old = entry
            .metadata()
            .and_then(|about| about.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > Duration::from_hours(6)));
        if Path::new(&name).extension().is_some_and(|end| end == "part" || end == "gone") && is_old {
            fs::remove_dir_all(entry.path()).at(&vault.dir)?;
        }
    }
    Ok(())
}

fn write(
    vault: &Vault,
    cluster: &Cluster,
    about: &About<'_>,
    name: &str,
    dir: &Path,
) -> Result<Manifest, BackupError> {
    let mut conn = pool::connect(&cluster.owner_url())?;
    let system_id = archive::system_id(&mut conn)?;
    let version: Version =
        diesel::sql_query("SELECT current_setting('server_version_num')::int / 10000 AS number")
            .get_result(&mut conn)?;
    let start: Place = diesel::sql_query("SELECT pg_walfile_name(pg_current_wal_insert_lsn()) AS segment")
        .get_result(&mut conn)?;
    let mut files = BTreeMap::new();
    files.insert("base.sealed".to_owned(), copy(vault, cluster, name, dir)?);
    let secret = about.data_dir.join("secret.key");
    if secret.exists() {
        let bytes = fs::read(&secret).at(&secret)?;
        files.insert("secret.sealed".to_owned(), vault.seal(dir, "secret.sealed", &mut &bytes[..])?);
    }
    let point = format!("pilothouse {name}");
    let (mark, tables) = compare_at(&mut conn, cluster, &point)?;
    conn.batch_execute("SELECT pg_switch_wal()")?;
    await_archived(vault, cluster, &system_id, &mark.segment)?;
    let manifest = Manifest {
        name: name.to_owned(),
        kind: Kind::Base,
        instance: about.instance.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_by: version.number.to_string(),
        system_id,
        wal_start: start.segment,
        wal_end: mark.segment,
        point,
        point_at: mark.at,
        files,
        tables,
    };
    vault.write_manifest(dir, &manifest)?;
    Ok(manifest)
}

/// Streams the cluster's files into the vault.
fn copy(
    vault: &Vault,
    cluster: &Cluster,
    name: &str,
    dir: &Path,
) -> Result<super::sealed::Stored, BackupError> {
    let failed = |said: &str| BackupError::Failed(format!("pg_basebackup: {}", said.trim()));
    let mut program = cluster.program("pg_basebackup")?;
    program.env_remove("PGDATABASE");
    program.args(["-D", "-", "-F", "tar", "-X", "none", "-c", "fast", "-l", name, "--no-password"]);
    let mut child = program
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error.to_string()))?;
    let complaints = child.stderr.take().map(|mut stderr| {
        thread::spawn(move || {
            let mut said = String::new();
            // What can't be read is not told.
            let _ = stderr.read_to_string(&mut said);
            said
        })
    });
    let stored = match child.stdout.take() {
        Some(mut stdout) => vault.seal(dir, "base.sealed", &mut stdout),
        None => Err(failed("it says nothing")),
    };
    if stored.is_err() {
        // The other end is gone; it would wait for ever.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| failed(&error.to_string()))?;
    let said = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let stored = stored?;
    if status.success() { Ok(stored) } else { Err(failed(&said)) }
}

/// Marks a moment in the log at which nobody writes, and reads what each table holds at it.
fn compare_at(
    conn: &mut PgConnection,
    cluster: &Cluster,
    point: &str,
) -> Result<(Mark, BTreeMap<String, TableSum>), BackupError> {
    let mut reader = pool::connect(&cluster.owner_url())?;
    let mut tries = 0;
    let mark = loop {
        tries += 1;
        conn.batch_execute("BEGIN; SET LOCAL lock_timeout = '500ms'")?;
        let marked = mark_point(conn, point).and_then(|mark| {
            let read = format!(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{}'",
                mark.snapshot
            );
            reader.batch_execute(&read)?;
            Ok(mark)
        });
        conn.batch_execute("ROLLBACK")?;
        match marked {
            Ok(mark) => break mark,
            Err(_) if tries < TRIES => thread::sleep(Duration::from_millis(200)),
            Err(error) => return Err(error.into()),
        }
    };
    let sums = tables::sums(&mut reader)?;
    reader.batch_execute("COMMIT")?;
    Ok((mark, sums))
}

fn mark_point(conn: &mut PgConnection, point: &str) -> QueryResult<Mark> {
    tables::hold_still(conn)?;
    diesel::sql_query(
        "SELECT pg_export_snapshot() AS snapshot, pg_walfile_name(pg_create_restore_point($1)) AS segment, \
         clock_timestamp() AS at",
    )
    .bind::<Text, _>(point)
    .get_result(conn)
}

/// Waits until the vault has the log up to `segment`.
fn await_archived(
    vault: &Vault,
    cluster: &Cluster,
    system_id: &str,
    segment: &str,
) -> Result<(), BackupError> {
    let give_up = Instant::now() + PATIENCE;
    let path = vault.wal(system_id).join(format!("{segment}.sealed"));
    loop {
        archive::collect(vault, cluster)?;
        if path.exists() {
            return Ok(());
        }
        if Instant::now() >= give_up {
            return Err(BackupError::Failed(format!(
                "the server did not hand over its log ({segment}): what was copied can't be restored without it"
            )));
        }
        thread::sleep(Duration::from_millis(50));
    }
}
