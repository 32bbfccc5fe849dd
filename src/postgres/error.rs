//! What can go wrong with the embedded cluster, each in one line that says what to do.

use std::io;
use std::path::{Path, PathBuf};

use super::binaries::MINIMUM_MAJOR;

/// Why the embedded cluster can't be used. `Display` is a single line meant for the terminal.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No directory holds both `initdb` and `postgres`.
    #[error(
        "no PostgreSQL server found on this machine: install one (apt-get install postgresql), \
         or set DATABASE_URL to use an existing database"
    )]
    NoBinaries,
    /// Every server found is too old for the schema.
    #[error(
        "PostgreSQL {found} is too old, the console needs {MINIMUM_MAJOR} or newer: install one, \
         or set DATABASE_URL to use an existing database"
    )]
    TooOld {
        /// Newest major version that was found.
        found: u32,
    },
    /// The cluster was made by a major version that is not installed.
    #[error(
        "{} was made by PostgreSQL {made_by}, which is not installed (found: {found}): \
         install postgresql-{made_by}, or choose another PILOTHOUSE_DATA_DIR", data.display()
    )]
    OtherVersion {
        /// The server's data directory.
        data: PathBuf,
        /// Major version in its `PG_VERSION`.
        made_by: String,
        /// Major versions that are installed, joined by commas.
        found: String,
    },
    /// Root, and no account to run the server with.
    #[error(
        "PostgreSQL does not run as root, and this machine has no user {user}: \
         install PostgreSQL (apt-get install postgresql makes the user), or run the console as another user"
    )]
    NoServerUser {
        /// The account's name.
        user: &'static str,
    },
    /// The server's user can't enter a directory.
    #[error("user {user} can't enter {}: allow it (chmod o+x on it and its parents), or choose another PILOTHOUSE_DATA_DIR", path.display())]
    NotEnterable {
        /// The account's name.
        user: &'static str,
        /// The directory.
        path: PathBuf,
    },
    /// `data_dir/postgres` is a link to a directory that is not there.
    #[error(
        "{} points to {}, which is gone: bring it back, or remove the link to start with an empty database",
        link.display(), target.display()
    )]
    LostTarget {
        /// The symbolic link.
        link: PathBuf,
        /// Where it points.
        target: PathBuf,
    },
    /// The data directory holds something else.
    #[error("{} is not empty and not a PostgreSQL data directory: move it away", .0.display())]
    NotACluster(PathBuf),
    /// Someone else owns the place where the socket should be.
    #[error("{} belongs to another user or is no directory: remove it", .0.display())]
    ForeignSocketDir(PathBuf),
    /// Another process holds the data directory's lock.
    #[error(
        "another pilothouse{} is using the data directory {}: stop it, or choose another PILOTHOUSE_DATA_DIR",
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(), data_dir.display()
    )]
    InUse {
        /// The console's data directory.
        data_dir: PathBuf,
        /// Who, when the lock file tells.
        pid: Option<u32>,
    },
    /// Nothing to attach to.
    #[error("no database is running in the data directory {}", .0.display())]
    NotRunning(PathBuf),
    #[error("can't make a database in {}: {reason}", data.display())]
    Initdb {
        /// The server's data directory.
        data: PathBuf,
        /// What `initdb` said last.
        reason: String,
    },
    /// The server ended while it was starting.
    #[error("PostgreSQL did not start: {reason} (log: {})", log.display())]
    DidNotStart {
        /// What the server said last.
        reason: String,
        /// The server's log.
        log: PathBuf,
    },
    /// The server runs, and refuses or drops the console's connection.
    #[error("can't talk to the embedded database: {0}")]
    Connection(#[from] diesel::ConnectionError),
    /// The server runs, and a statement of the set-up failed.
    #[error("can't set up the embedded database: {0}")]
    SetUp(#[from] diesel::result::Error),
    /// The file system refused: permissions, a full disk, a missing program.
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

/// Adds to a system error what was tried on which path.
pub(super) trait IoContext<T> {
    /// `action` reads after "can't".
    fn or_cannot(self, action: &'static str, path: &Path) -> Result<T, ClusterError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn or_cannot(self, action: &'static str, path: &Path) -> Result<T, ClusterError> {
        self.map_err(|source| ClusterError::Io { action, path: path.to_owned(), source })
    }
}
