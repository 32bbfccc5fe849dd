//! The embedded PostgreSQL: a cluster that the console makes, starts, watches and stops by itself.
//!
//! Without `DATABASE_URL` the console keeps its data in a cluster of its own under its data
//! directory, reachable through a private Unix socket only. The parts, in reading order:
//! `cluster` (start, attach, stop), `layout` (where files lie, the lock), `binaries` (which
//! PostgreSQL), `account` (as which user), `initdb` (a new cluster), `server` and `process` (running it), `recovery` (one made of a backup),
//! `statements` (what takes its time).
//!
//! Everything here blocks; asynchronous callers use `spawn_blocking`.

mod account;
mod binaries;
mod cluster;
mod error;
mod initdb;
mod layout;
mod process;
mod recovery;
mod server;
pub mod statements;

use std::path::{Path, PathBuf};

pub use cluster::{CONSOLE_LOGIN, Cluster, DATABASE, SUPERUSER};
pub use error::ClusterError;
pub use recovery::{Recovery, Target};

/// One of PostgreSQL's client programs, of the newest version that is installed here.
///
/// # Errors
/// [`ClusterError::NoBinaries`] when there is none.
pub fn client_program(name: &str) -> Result<PathBuf, ClusterError> {
    Ok(binaries::Binaries::find(Path::new(""), None)?.program(name))
}

/// What a cluster is for, which decides what survives a crash of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Real data: every commit is on the disk before it is acknowledged.
    Durable,
    /// Test data: nothing waits for the disk, and a crash of the machine may lose everything.
    Throwaway,
}

#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// The console's data directory; the cluster is in its subdirectory `postgres`. Made when absent.
    pub data_dir: PathBuf,
    /// Real data or test data.
    pub durability: Durability,
    /// As root the server runs as another user. Where that user can't enter `data_dir` (a private
    /// home directory), the cluster lies in a directory under this one, and `data_dir/postgres` is a
    /// symbolic link to it, so that the same data directory means the same cluster on every start.
    pub fallback_parent: PathBuf,
    /// Whether the server hands over its log, a file a minute, for backups. See `layout`.
    pub archives: bool,
}

impl ClusterConfig {
    /// A durable cluster under `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            durability: Durability::Durable,
            fallback_parent: PathBuf::from("/var/lib/pilothouse"),
            archives: true,
        }
    }

    /// The same place for data that may be lost.
    #[must_use]
    pub fn throwaway(self) -> Self {
        Self { durability: Durability::Throwaway, archives: false, ..self }
    }
}
