//! The proof that a backup can be restored: it is, and compared with what stood when it was made.

use std::fs;
use std::path::Path;
use std::time::Instant;

use diesel::prelude::*;

use super::store::{Kind, Manifest};
use super::{At, BackupError, Vault, dump, restore, tables};
use crate::activity::upkeep::{self, Deed};
use crate::db::{drift, pool, roles};
use crate::postgres::{Cluster, ClusterConfig};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    pub name: String,
    /// What is not as it was, a sentence each; none when it is proven.
    pub faults: Vec<String>,
    pub rows: i64,
    pub seconds: u64,
}

/// Restores the backup `name` in the directory `scratch`, which is empty before and gone afterwards, and compares.
///
/// # Errors
/// When it can't be restored: then it is proven to be none.
pub fn prove(vault: &Vault, name: &str, scratch: &Path) -> Result<Proof, BackupError> {
    let began = Instant::now();
    clear(scratch)?;
    let config = ClusterConfig::new(scratch).throwaway();
    let compared = vault.verify(name).and_then(|_| {
        let (manifest, cluster) = match vault.manifest(name)?.kind {
            Kind::Base => restore::into_cluster(vault, name, None, &config)?,
            Kind::Dump => {
                let cluster = Cluster::start(&config)?;
                (dump::restore(vault, name, &cluster.owner_url())?, cluster)
            }
        };
        let mut faults = compare(&mut pool::connect(&cluster.owner_url())?, &manifest)?;
        if manifest.kind == Kind::Base {
            // Who may act as whom belongs to the server, and is in no dump.
            faults.extend(roles::problems(&mut pool::connect(&cluster.console_url())?)?);
        }
        cluster.stop();
        Ok((manifest.tables.values().map(|table| table.rows).sum(), faults))
    });
    clear(scratch)?;
    let (rows, faults) = compared?;
    Ok(Proof { name: name.to_owned(), faults, rows, seconds: began.elapsed().as_secs() })
}

fn clear(scratch: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(scratch) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).at(scratch),
        _ => Ok(()),
    }
}

fn compare(conn: &mut PgConnection, manifest: &Manifest) -> Result<Vec<String>, BackupError> {
    let mut faults = Vec::new();
    let here = conn.transaction(tables::sums)?;
    // Which transaction wrote a row is not the same elsewhere.
    let differs_elsewhere = |name: &str| manifest.kind == Kind::Dump && name == "pilothouse.timeline";
    for (name, then) in &manifest.tables {
        match here.get(name) {
            None => faults.push(format!("the table {name} is missing")),
            Some(now) if now.rows != then.rows => {
                faults.push(format!("{name} has {} rows instead of {}", now.rows, then.rows));
            }
            Some(now) if now.sum != then.sum && !differs_elsewhere(name) => {
                faults.push(format!("rows of {name} differ"));
            }
            Some(_) => {}
        }
    }
    faults.extend(
        here.keys().filter(|name| !manifest.tables.contains_key(*name)).map(|name| format!("{name} is new")),
    );
    // What was not in order then is not the backup's fault, and its numbers are compared above.
    faults
        .extend(drift::findings(conn)?.iter().filter(|finding| finding.is_broken()).map(ToString::to_string));
    for step in upkeep::STEPS {
        let rows = step.run(conn, Deed::Look)?;
        if rows > 0 {
            faults.push(format!("{rows} {}", step.finds));
        }
    }
    Ok(faults)
}
