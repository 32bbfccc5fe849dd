//! The file of actions that no table took: one line of JSON an action.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::RwLock;

use serde_json::Value;

use crate::activity::NewAction;
use crate::data_dir::{self, Guard};

/// The file's name in its directory; while it is being read in, it has another ending.
const FILE: &str = "action-spool.jsonl";
/// Locked by whoever changes the file; several consoles may share the directory.
const LOCK: &str = "action-spool.lock";

static DIRECTORY: RwLock<Option<PathBuf>> = RwLock::new(None);

/// Names the directory of the file; without one, an action that the database does not take is lost and counted.
pub fn keep_files_in(directory: PathBuf) {
    if let Ok(mut slot) = DIRECTORY.write() {
        *slot = Some(directory);
    }
}

pub(super) fn directory() -> Option<PathBuf> {
    DIRECTORY.read().ok()?.clone()
}

/// Adds a line, written through to the disk.
///
/// # Errors
/// The system's, or why what lies in `directory` can't be trusted.
pub fn append(directory: &Path, action: &NewAction) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    data_dir::check(directory, None)?;
    let mut line = serde_json::to_vec(action)?;
    line.push(b'\n');
    let _turn = turn(directory)?;
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true);
    let mut file = data_dir::open(&mut options, &directory.join(FILE), Guard::Plain)?;
    if is_cut_off(&mut file)? {
        line.insert(0, b'\n');
    }
    file.write_all(&line)?;
    file.sync_all()?;
    File::open(directory)?.sync_all()
}

/// Whether a crash or a full disk left half a line at the file's end.
fn is_cut_off(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Waits until no other thread or process appends to the directory's file or takes it away, so that no line
/// goes into a file that has been read already. Lasts as long as what comes back.
fn turn(directory: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    let lock = data_dir::open(&mut options, &directory.join(LOCK), Guard::Plain)?;
    lock.lock()?;
    Ok(lock)
}

/// A file that is read in, under its other name and locked, so that what is kept meanwhile goes into a new one.
pub(super) struct Taken {
    path: PathBuf,
    lines: Vec<Value>,
    /// Held until then.
    _locked: File,
}

impl Taken {
    /// The file in `directory`; none when there is none, or another console reads it.
    pub(super) fn from(directory: &Path) -> io::Result<Option<Self>> {
        let path = directory.join(FILE).with_extension("taken");
        let Some(locked) = take(&directory.join(FILE), &path, directory)? else { return Ok(None) };
        let lines: Vec<Vec<u8>> = BufReader::new(&locked).split(b'\n').collect::<io::Result<_>>()?;
        // A line that is cut off was never acknowledged as kept.
        let lines = lines.iter().filter_map(|line| serde_json::from_slice(line).ok()).collect();
        Ok(Some(Self { path, lines, _locked: locked }))
    }

    /// One action each.
    pub(super) fn lines(&self) -> &[Value] {
        &self.lines
    }

    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_file(self.path)
    }
}

fn take(file: &Path, taken: &Path, directory: &Path) -> io::Result<Option<File>> {
    if !file.exists() && !taken.exists() {
        return Ok(None);
    }
    data_dir::check(directory, None)?;
    let _turn = turn(directory)?;
    if !taken.exists() {
        match fs::rename(file, taken) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            renamed => renamed?,
        }
    }
    let open = data_dir::open(OpenOptions::new().read(true), taken, Guard::Plain)?;
    match open.try_lock() {
        // The other console may have removed it between the opening and the locking.
        Ok(()) if is_at(&open, taken) => Ok(Some(open)),
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_at(open: &File, path: &Path) -> bool {
    let inode = |metadata: io::Result<fs::Metadata>| metadata.map(|metadata| metadata.ino()).ok();
    inode(open.metadata()).is_some_and(|one| inode(fs::metadata(path)) == Some(one))
}
