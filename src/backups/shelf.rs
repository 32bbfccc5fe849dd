//! Where sealed files lie: a directory, or a bucket that has the same files under the same names.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

use super::store::time_of;
use super::{At, BackupError};

/// Paths are relative, their parts parted by `/`, as [`super::store`] draws them.
pub(super) trait Shelf: fmt::Debug + Send + Sync {
    /// The names of what is whole, in any order.
    fn names(&self) -> Result<Vec<String>, BackupError>;

    /// The names of the files in a directory; none where there is no such directory.
    fn files(&self, dir: &str) -> Result<Vec<String>, BackupError>;

    /// A file from its beginning; nothing where there is none.
    fn read(&self, path: &str) -> Result<Option<Box<dyn Read + '_>>, BackupError>;

    fn remove(&self, path: &str) -> Result<(), BackupError>;

    /// Removes a backup such that what is left at any moment is whole, or none.
    fn remove_backup(&self, name: &str) -> Result<(), BackupError>;
}

#[derive(Debug, Clone)]
pub(super) struct Directory(pub PathBuf);

impl Shelf for Directory {
    fn names(&self) -> Result<Vec<String>, BackupError> {
        Ok(self.files("")?.into_iter().filter(|name| time_of(name).is_some()).collect())
    }

    fn files(&self, dir: &str) -> Result<Vec<String>, BackupError> {
        let dir = self.0.join(dir);
        let entries = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.at(&dir)?,
        };
        entries.map(|entry| Ok(entry.at(&dir)?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&self, path: &str) -> Result<Option<Box<dyn Read + '_>>, BackupError> {
        let path = self.0.join(path);
        match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => Ok(Some(Box::new(io::BufReader::with_capacity(1 << 16, file.at(&path)?)))),
        }
    }

    fn remove(&self, path: &str) -> Result<(), BackupError> {
        let path = self.0.join(path);
        fs::remove_file(&path).at(&path)
    }

    fn remove_backup(&self, name: &str) -> Result<(), BackupError> {
        // Under another name first: half a backup is none.
        let (dir, going) = (self.0.join(name), self.0.join(format!("{name}.gone")));
        fs::rename(&dir, &going).and_then(|()| fs::remove_dir_all(&going)).at(&dir)
    }
}
