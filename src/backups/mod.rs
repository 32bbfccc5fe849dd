//! Copies of everything, and the proof that they can be restored.
//!
//! For the embedded database a backup is a base copy of the cluster, and beside it the server's log is archived as it
//! is written, so that any second since then can be restored; for a server of somebody's it is a dump. What is stored is
//! compressed and sealed; its key lies elsewhere. `store` knows what a backup is, `shelf` and `bucket` where its files lie,
//! `sealed` the files, `archive` the log, `create`, `dump`, `copying`, `restore` and `proof` what is done with them, `records`
//! and `copies` what pages are told, `outside` what a server of somebody's does by itself.

pub mod archive;
pub mod bucket;
pub mod copies;
pub mod copying;
pub mod create;
pub mod dump;
pub mod outside;
pub mod proof;
pub mod records;
pub mod restore;
mod sealed;
mod shelf;
pub mod store;
mod tables;

use std::path::PathBuf;
use std::sync::Arc;

pub use bucket::Bucket;

use crate::secret::Secret;
use shelf::{Directory, Shelf};

/// Where backups lie, and what seals them.
#[derive(Debug, Clone)]
pub struct Vault {
    /// Where backups are made.
    pub dir: PathBuf,
    /// Where they are read and deleted.
    shelf: Arc<dyn Shelf>,
    key: Secret,
}

/// The file of the data directory with the key that the console made for itself.
pub const KEY_FILE: &str = "backup.key";

impl Vault {
    #[must_use]
    pub fn new(dir: PathBuf, key: Secret) -> Self {
        Self { shelf: Arc::new(Directory(dir.clone())), dir, key }
    }

    /// The copies in a bucket, under the same key.
    #[must_use]
    pub fn in_bucket(&self, bucket: &Bucket) -> Self {
        Self { shelf: Arc::new(bucket.clone()), ..self.clone() }
    }

    /// What tells this key from others and says nothing of it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        use sha2::Digest;
        let digest = sha2::Sha256::digest(format!("pilothouse backup key {}", self.key.reveal()));
        crate::runtime::hex(&digest[..6])
    }
}

/// Why there is no backup, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("there is no backup {0} here: `pilothouse backup list` names them")]
    Unknown(String),
    /// What is stored is not what was written.
    #[error("{0} is damaged, or sealed with another key than PILOTHOUSE_BACKUP_KEY")]
    Damaged(String),
    #[error("{0}")]
    Failed(String),
    /// A bucket has something else in its place.
    #[error("{0}")]
    Taken(String),
    #[error("can't use {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// Of a bucket, by its name.
    #[error("the bucket {0}: {1}")]
    Bucket(String, String),
    #[error(transparent)]
    Cluster(#[from] crate::postgres::ClusterError),
    #[error("the database can't be asked: {0}")]
    Database(#[from] diesel::result::Error),
    #[error("the database can't be reached: {0}")]
    Connection(#[from] diesel::ConnectionError),
}

/// Gives an error of the file system the path that it happened at.
trait At<T> {
    fn at(self, path: &std::path::Path) -> Result<T, BackupError>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, path: &std::path::Path) -> Result<T, BackupError> {
        self.map_err(|source| BackupError::Io { path: path.to_owned(), source })
    }
}
