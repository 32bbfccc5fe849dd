//! Where the cluster's files lie, and the lock that lets one console at a time use them.
//!
//! ```text
//! <data_dir>/postgres/           a directory, or a link to one that the server's user can enter
//!     lock                       held by the console that runs the server; names its process
//!     data/                      PostgreSQL's own
//!     data.new/                  a cluster in the making, renamed when it is whole
//!     spool/                     finished files of the server's log, until they are in the archive
//!     socket/                    the private socket (elsewhere when this path is too long for one)
//!     server.log, server.log.1   what the server says
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::ClusterConfig;
use super::account::{Account, SERVER_USER};
use super::error::{ClusterError, IoContext};
use crate::data_dir::{self, Guard};

/// Others may pass through, and see nothing.
const PASSABLE: u32 = 0o711;
/// For one user alone.
const PRIVATE: u32 = 0o700;
/// A socket's path may have 107 bytes; this leaves room for `/.s.PGSQL.5432.lock`.
const LONGEST_SOCKET_DIR: usize = 86;
/// Second line of the lock file, once others may attach.
const READY: &str = "ready";
/// A larger server log is set aside at start.
const LARGEST_LOG: u64 = 16 << 20;

/// The places of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// The console's data directory, as the user wrote it (for messages).
    pub(super) data_dir: PathBuf,
    /// The directory that holds all that follows, links resolved.
    root: PathBuf,
}

impl Layout {
    /// The places of an existing cluster; `None` when there is none.
    pub(super) fn existing(data_dir: &Path) -> Option<Self> {
        let root = data_dir.join("postgres").canonicalize().ok()?;
        Some(Self { data_dir: data_dir.to_owned(), root })
    }

    /// Makes the directories as far as they are missing, in a place that the server's user can enter.
    pub(super) fn prepare(config: &ClusterConfig, account: &Account) -> Result<Self, ClusterError> {
        let data_dir = &config.data_dir;
        make_dirs(data_dir, if account.is_another() { PASSABLE } else { PRIVATE })?;
        data_dir::check(data_dir, None).or_cannot("use", data_dir)?;
        let place = data_dir.canonicalize().or_cannot("find", data_dir)?.join("postgres");
        match fs::read_link(&place) {
            Ok(target) if !target.exists() => return Err(ClusterError::LostTarget { link: place, target }),
            Ok(_) => {}
            Err(_) => make_dirs(&place, if account.is_another() { PASSABLE } else { PRIVATE })?,
        }
        if account.is_another() && !account.can_enter(&place)? {
            let holds_data = fs::read_dir(&place).or_cannot("read", &place)?.next().is_some();
            if holds_data {
                return Err(ClusterError::NotEnterable { user: SERVER_USER, path: place });
            }
            Self::move_to_fallback(&place, &config.fallback_parent, account)?;
        }
        data_dir::check(&place, Some(account.server_uid())).or_cannot("use", &place)?;
        let root = place.canonicalize().or_cannot("find", &place)?;
        Ok(Self { data_dir: data_dir.clone(), root })
    }

    /// Puts a link in the place of the empty directory `place`.
    fn move_to_fallback(place: &Path, parent: &Path, account: &Account) -> Result<(), ClusterError> {
        let fallback = parent.join(short_name(place));
        make_dirs(&fallback, PASSABLE)?;
        if !account.can_enter(&fallback)? {
            return Err(ClusterError::NotEnterable { user: SERVER_USER, path: fallback });
        }
        fs::remove_dir(place).or_cannot("remove", place)?;
        symlink(&fallback, place).or_cannot("make the link", place)?;
        tracing::warn!(
            "user {SERVER_USER} can't enter {}: the database is kept in {} instead",
            place.display(),
            fallback.display()
        );
        Ok(())
    }

    /// The server's data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The data directory of a cluster that is being made.
    pub(super) fn unfinished_data(&self) -> PathBuf {
        self.root.join("data.new")
    }

    /// Where the server hands over its log.
    pub(super) fn spool(&self) -> PathBuf {
        self.root.join("spool")
    }

    /// For what a recovery asks for.
    pub(super) fn requests(&self) -> PathBuf {
        self.root.join("recovery")
    }

    /// Makes a directory for the server's user alone.
    pub(super) fn make_private(path: &Path, account: &Account) -> Result<(), ClusterError> {
        make_dirs(path, PRIVATE)?;
        account.give(path)
    }

    /// What the server says.
    pub(super) fn log(&self) -> PathBuf {
        self.root.join("server.log")
    }

    /// Major version of the cluster, as PostgreSQL wrote it; `None` before there is one.
    pub(super) fn made_by(&self) -> Option<String> {
        fs::read_to_string(self.data().join("PG_VERSION")).ok().map(|text| text.trim().to_owned())
    }

    /// Takes the lock. It is held as long as the file is, and freed by the system when the process dies.
    pub(super) fn lock(&self) -> Result<File, ClusterError> {
        let path = self.lock_path();
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let mut file = data_dir::open(&mut options, &path, Guard::Plain).or_cannot("use", &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who holds it is a courtesy; that it is held is certain.
                let _ = file.read_to_string(&mut holder);
                return Err(ClusterError::InUse {
                    data_dir: self.data_dir.clone(),
                    pid: holder.lines().next().and_then(|pid| pid.parse().ok()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(source).or_cannot("lock", &path),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .or_cannot("write", &path)?;
        Ok(file)
    }

    /// Notes in the lock file that the cluster is set up: from now on others may attach to it.
    pub(super) fn mark_ready(&self, mut lock: &File) -> Result<(), ClusterError> {
        writeln!(lock, "{READY}").or_cannot("write", &self.lock_path())
    }

    /// Whether the cluster was set up under the latest lock.
    pub(super) fn is_ready(&self) -> bool {
        fs::read_to_string(self.lock_path()).is_ok_and(|text| text.lines().nth(1) == Some(READY))
    }

    fn lock_path(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Opens the server's log for appending, setting a large one aside.
    pub(super) fn open_log(&self) -> Result<File, ClusterError> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|log| log.len() > LARGEST_LOG) {
            fs::rename(&path, self.root.join("server.log.1")).or_cannot("set aside", &path)?;
        }
        let mut options = OpenOptions::new();
        data_dir::open(options.create(true).append(true), &path, Guard::Plain).or_cannot("use", &path)
    }

    /// Makes the directory of the socket, which only the server's user (and root) may enter.
    pub(super) fn make_socket_dir(&self, account: &Account) -> Result<PathBuf, ClusterError> {
        let dir = self.socket_dir(account);
        if let Some(parent) = dir.parent().filter(|parent| !parent.exists()) {
            make_dirs(parent, PASSABLE)?;
        }
        match DirBuilder::new().mode(PRIVATE).create(&dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // A shared place such as /tmp: someone may have been here first.
                let found = fs::symlink_metadata(&dir).or_cannot("look at", &dir)?;
                if !found.is_dir() || !account.trusts(found.uid()) {
                    return Err(ClusterError::ForeignSocketDir(dir));
                }
            }
            made => made.or_cannot("make", &dir)?,
        }
        fs::set_permissions(&dir, fs::Permissions::from_mode(PRIVATE)).or_cannot("protect", &dir)?;
        account.give(&dir)?;
        Ok(dir)
    }

    /// Beside the data, unless the path is too long for a socket or has characters that the
    /// server's setting would take apart.
    fn socket_dir(&self, account: &Account) -> PathBuf {
        let beside = self.root.join("socket");
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
        let name = beside.as_os_str().as_encoded_bytes();
        if name.len() <= LONGEST_SOCKET_DIR && name.iter().all(plain) {
            beside
        } else if account.is_another() {
            Path::new("/run/pilothouse").join(short_name(&self.root))
        } else {
            Path::new("/tmp").join(format!("pilothouse-{}-{}", account.server_uid(), short_name(&self.root)))
        }
    }

    /// Makes the removal or renaming of files in the cluster's directory last.
    pub(super) fn sync(&self) -> Result<(), ClusterError> {
        File::open(&self.root).and_then(|dir| dir.sync_all()).or_cannot("write", &self.root)
    }
}

/// Makes a directory with its parents. One that exists stays as it is; a new one gets exactly this
/// mode, whatever the umask.
fn make_dirs(path: &Path, mode: u32) -> Result<(), ClusterError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        make_dirs(parent, mode)?;
    }
    DirBuilder::new()
        .mode(mode)
        .create(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .or_else(|error| if path.is_dir() { Ok(()) } else { Err(error) })
        .or_cannot("make", path)
}

/// A short name that is always the same for the same path.
fn short_name(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let number = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:016x}")
}
