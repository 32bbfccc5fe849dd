//! The server's log, file by file, from where the server lays it to the vault.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::store::{log_of, sync};
use super::{At, BackupError, Vault};
use crate::db::pool;
use crate::postgres::Cluster;

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Which cluster it is: logs of different ones have the same names.
pub(super) fn system_id(conn: &mut PgConnection) -> QueryResult<String> {
    let told: Told =
        diesel::sql_query("SELECT system_identifier::text AS text FROM pg_catalog.pg_control_system()")
            .get_result(conn)?;
    Ok(told.text)
}

/// The files that the server has handed over, the oldest first.
fn waiting(spool: &Path) -> Result<Vec<String>, BackupError> {
    let entries = match fs::read_dir(spool) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.at(spool)?,
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|name| Path::new(name).extension().is_none_or(|end| end != "part"))
        .collect();
    names.sort_unstable();
    Ok(names)
}

/// Takes what the server of `cluster` has handed over into the vault. Answers how many files that were.
pub fn collect(vault: &Vault, cluster: &Cluster) -> Result<usize, BackupError> {
    let spool = cluster.spool();
    let names = waiting(&spool)?;
    if names.is_empty() {
        return Ok(0);
    }
    let system_id = system_id(&mut pool::connect(&cluster.owner_url())?)?;
    let dir = vault.wal(&system_id);
    make(&dir)?;
    // Two at once would delete what the other reads.
    let lock = dir.join("lock");
    let held = File::create(&lock).at(&lock)?;
    if held.try_lock().is_err() {
        return Ok(0);
    }
    let mut taken = 0;
    for name in names {
        let path = spool.join(&name);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file.at(&path)?,
        };
        vault.seal(&dir, &format!("{name}.sealed"), &mut file)?;
        fs::remove_file(&path).at(&path)?;
        taken += 1;
    }
    sync(&dir).at(&dir)?;
    Ok(taken)
}

/// Makes a directory that nobody else reads.
pub(super) fn make(dir: &Path) -> Result<(), BackupError> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).at(dir)
}

/// Writes a file of the log of the cluster `system_id`; false when the vault has none of that name.
pub(super) fn fetch(vault: &Vault, system_id: &str, name: &str, to: &mut dyn Write) -> io::Result<bool> {
    vault.open(&format!("{}/{name}.sealed", log_of(system_id)), to).map_err(io::Error::other)
}

/// How the archive stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which cluster's it is.
    pub system_id: String,
    /// When the newest file of the log was archived: nothing later can be restored from here.
    pub until: Option<DateTime<Utc>>,
    /// Files that the server has handed over and that are not in the vault.
    pub waiting: usize,
}

/// How the archive of `cluster` stands.
pub fn standing(vault: &Vault, cluster: &Cluster) -> Result<Standing, BackupError> {
    let system_id = system_id(&mut pool::connect(&cluster.owner_url())?)?;
    let dir = vault.wal(&system_id);
    // By name: clocks go back, and the log does not.
    let newest = fs::read_dir(&dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".sealed"))
        .max_by_key(fs::DirEntry::file_name);
    let until = newest.and_then(|entry| entry.metadata().and_then(|about| about.modified()).ok());
    let waiting = waiting(&cluster.spool())?.len();
    Ok(Standing { system_id, until: until.map(DateTime::<Utc>::from), waiting })
}
