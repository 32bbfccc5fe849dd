//! Making a cluster of a backup.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::store::{Kind, Manifest};
use super::{At, BackupError, Vault, archive};
use crate::data_dir::{self, Guard};
use crate::postgres::{Cluster, ClusterConfig, Recovery, Target};

/// Restores the backup `name` into `config`'s data directory, up to `time` or to the moment that it was compared at.
/// The server runs then, and ends with what is returned.
///
/// # Errors
/// When anything that is needed is missing or damaged; what was begun is removed.
pub fn into_cluster(
    vault: &Vault,
    name: &str,
    time: Option<&str>,
    config: &ClusterConfig,
) -> Result<(Manifest, Cluster), BackupError> {
    let manifest = vault.manifest(name)?;
    if manifest.kind != Kind::Base {
        return Err(BackupError::Failed(format!(
            "{name} is a dump: it is restored into a database, with --to postgres://…"
        )));
    }
    let base = format!("{name}/base.sealed");
    let target =
        time.map_or_else(|| Target::Point(manifest.point.clone()), |time| Target::Time(time.to_owned()));
    let mut recovery = Recovery {
        made_by: &manifest.made_by,
        target,
        unpack: &mut |to| vault.open_whole(&base, to).map_err(io::Error::other),
        fetch: &|name, to| archive::fetch(vault, &manifest.system_id, name, to),
    };
    let cluster = Cluster::recover(config, &mut recovery)?;
    restore_secret(vault, &manifest, &config.data_dir)?;
    Ok((manifest, cluster))
}

/// The console's own key, unless one is there already.
fn restore_secret(vault: &Vault, manifest: &Manifest, data_dir: &Path) -> Result<(), BackupError> {
    let path = data_dir.join("secret.key");
    if !manifest.files.contains_key("secret.sealed") || path.exists() {
        return Ok(());
    }
    let mut key = Vec::new();
    vault.open_whole(&format!("{}/secret.sealed", manifest.name), &mut key)?;
    let mut options = OpenOptions::new();
    let mut file = data_dir::open(options.write(true).create_new(true), &path, Guard::Secret).at(&path)?;
    file.write_all(&key).and_then(|()| file.sync_all()).at(&path)
}

/// Moves the cluster of a data directory out of the way of one that is restored there. Answers where it is.
///
/// # Errors
/// When there is none, or it can't be moved.
pub fn set_aside(data_dir: &Path, at: &str) -> Result<std::path::PathBuf, BackupError> {
    let root = data_dir.join("postgres").canonicalize().at(&data_dir.join("postgres"))?;
    let (data, aside) = (root.join("data"), root.join(format!("data.before-{at}")));
    fs::rename(&data, &aside).at(&data)?;
    Ok(aside)
}

/// Puts back what [`set_aside`] moved.
///
/// # Errors
/// When something else is there.
pub fn put_back(aside: &Path) -> Result<(), BackupError> {
    let data = aside.with_file_name("data");
    fs::rename(aside, &data).at(&data)
}
