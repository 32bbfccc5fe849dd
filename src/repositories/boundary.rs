//! Which files of a repository may be read.
//!
//! A repository is somebody else's. A `.git` file, `commondir`, alternates or a symbolic link can lead to another
//! repository that only the one who runs the import may read. So everything that git's files lead to is looked
//! at before it is opened, and what lies outside of the named path is refused unless links are to be followed.
//! (Whoever changes the repository while it is read can still get around this.)

use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::history::ReadError;

/// Largest file that is read whole, by kind: lines that lead somewhere, configuration, lists.
const LARGEST_LINK: u64 = 64 << 10;
const LARGEST_CONFIG: u64 = 1 << 20;
const LARGEST_LIST: u64 = 16 << 20;

/// Where a repository's files are, all of them looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Located {
    /// The named path, without links.
    pub root: PathBuf,
    pub git_dir: PathBuf,
    pub common_dir: PathBuf,
    /// The directory with the checked out files, when that is what was named.
    pub work_tree: Option<PathBuf>,
}

/// Finds the repository at `path`: a work tree, a `.git` directory or a bare repository.
pub(super) fn locate(path: &Path, follow_links: bool) -> Result<Located, ReadError> {
    let failed = |reason: String| ReadError::Open { path: path.to_owned(), reason };
    let root = path.canonicalize().map_err(|error| failed(error.to_string()))?;
    let mut boundary = Boundary { root: &root, follow_links, seen: HashSet::new() };
    let read = |error| ReadError::from_boundary(path, error);

    let inner = root.join(".git");
    let has_inner = !root.ends_with(".git") && inner.symlink_metadata().is_ok();
    let git_dir = boundary.git_dir(if has_inner { &inner } else { &root }).map_err(read)?;
    let common_dir = boundary.common_dir(&git_dir).map_err(read)?;
    if !(git_dir.join("HEAD").symlink_metadata().is_ok() && common_dir.join("objects").is_dir()) {
        return Err(failed("it is neither a work tree with a .git in it nor a repository itself".to_owned()));
    }
    boundary.look_at_git_dir(&git_dir).map_err(read)?;
    boundary.look_at_git_dir(&common_dir).map_err(read)?;
    let work_tree = has_inner.then(|| root.clone());
    Ok(Located { root, git_dir, common_dir, work_tree })
}

/// The contents of a file that lies inside of `root`, or anywhere when links are followed; None when there is
/// none. No more than `most` bytes.
pub(super) fn read_inside(
    path: &Path,
    root: &Path,
    follow_links: bool,
    most: u64,
) -> Result<Option<Vec<u8>>, BoundaryError> {
    let boundary = Boundary { root, follow_links, seen: HashSet::new() };
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BoundaryError::Io(path.to_owned(), error)),
        Ok(_) => boundary.read(path, most).map(Some),
    }
}

/// Why a file is not read.
#[derive(Debug)]
pub(super) enum BoundaryError {
    /// The first leads to the second, which is outside.
    Outside(PathBuf, PathBuf),
    /// Neither file nor directory: reading it may never end.
    Special(PathBuf),
    TooLarge(PathBuf, u64),
    Io(PathBuf, io::Error),
}

type Checked<T> = Result<T, BoundaryError>;

struct Boundary<'a> {
    root: &'a Path,
    follow_links: bool,
    /// Directories that were looked at, without links.
    seen: HashSet<PathBuf>,
}

impl Boundary<'_> {
    fn git_dir(&self, candidate: &Path) -> Checked<PathBuf> {
        let git_dir = self.inside(candidate, candidate)?;
        if git_dir.is_dir() {
            return Ok(git_dir);
        }
        let contents = self.read(&git_dir, LARGEST_LINK)?;
        let no_link = || BoundaryError::Io(git_dir.clone(), io::Error::other("it is no .git file"));
        let target = contents.strip_prefix(b"gitdir:").ok_or_else(no_link)?;
        self.target(&git_dir, git_dir.parent().unwrap_or(self.root), target)
    }

    fn common_dir(&self, git_dir: &Path) -> Checked<PathBuf> {
        let file = git_dir.join("commondir");
        if file.symlink_metadata().is_err() {
            return Ok(git_dir.to_owned());
        }
        let contents = self.read(&file, LARGEST_LINK)?;
        self.target(&file, git_dir, &contents)
    }

    fn target(&self, file: &Path, base: &Path, line: &[u8]) -> Checked<PathBuf> {
        let target = gix::path::from_byte_slice(line.trim_ascii())
            .map_err(|_| BoundaryError::Io(file.to_owned(), io::ErrorKind::InvalidData.into()))?;
        self.inside(file, &base.join(target))
    }

    /// `path` without links, if it is inside.
    fn inside(&self, from: &Path, path: &Path) -> Checked<PathBuf> {
        let full = path.canonicalize().map_err(|error| BoundaryError::Io(path.to_owned(), error))?;
        if self.follow_links || full.starts_with(self.root) {
            Ok(full)
        } else {
            Err(BoundaryError::Outside(from.to_owned(), full))
        }
    }

    fn read(&self, path: &Path, most: u64) -> Checked<Vec<u8>> {
        let full = self.inside(path, path)?;
        check_size(&full, most)?;
        let failed = |error| BoundaryError::Io(full.clone(), error);
        let mut contents = Vec::new();
        let file = fs::File::open(&full).map_err(failed)?;
        file.take(most).read_to_end(&mut contents).map_err(failed)?;
        Ok(contents)
    }

    /// Everything in a git directory that is read, and in those of its linked work trees.
    fn look_at_git_dir(&mut self, dir: &Path) -> Checked<()> {
        let mut waiting = vec![dir.to_owned()];
        while let Some(dir) = waiting.pop() {
            if !self.seen.insert(dir.clone()) {
                continue;
            }
            for entry in entries(&dir)? {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                let Some(most) = largest(&name) else { continue };
                let Some(full) = self.look_at(&entry.path(), most)? else { continue };
                match &*name {
                    "objects" => self.look_at_objects(&full)?,
                    "refs" => self.look_into(&full, Some(LARGEST_LINK))?,
                    "worktrees" if full.is_dir() => {
                        for entry in entries(&full)? {
                            waiting
                                .extend(self.look_at(&entry.path(), u64::MAX)?.filter(|path| path.is_dir()));
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// A database of objects, and those that it borrows from.
    fn look_at_objects(&mut self, objects: &Path) -> Checked<()> {
        let mut waiting = vec![objects.to_owned()];
        while let Some(dir) = waiting.pop() {
            if self.seen.contains(&dir) {
                continue;
            }
            self.look_into(&dir, None)?;
            let file = dir.join("info/alternates");
            if file.symlink_metadata().is_err() {
                continue;
            }
            let contents = self.read(&file, LARGEST_CONFIG)?;
            let borrowed = gix::odb::alternate::parse(&contents)
                .map_err(|_| BoundaryError::Io(file.clone(), io::ErrorKind::InvalidData.into()))?;
            for path in borrowed {
                match self.inside(&file, &objects.join(path)) {
                    // As git does: an alternate that is gone lends nothing.
                    Err(BoundaryError::Io(_, error)) if error.kind() == io::ErrorKind::NotFound => {}
                    found => waiting.push(found?),
                }
            }
        }
        Ok(())
    }

    /// All files below `dir`. With `most` bytes each; without it, files are not even asked for their size.
    fn look_into(&mut self, dir: &Path, most: Option<u64>) -> Checked<()> {
        let mut waiting = vec![dir.to_owned()];
        while let Some(dir) = waiting.pop() {
            if !dir.is_dir() || !self.seen.insert(dir.clone()) {
                continue;
            }
            for entry in entries(&dir)? {
                let kind = entry.file_type().map_err(|error| BoundaryError::Io(entry.path(), error))?;
                if kind.is_file() && most.is_none() {
                    continue;
                }
                let full = self.look_at(&entry.path(), most.unwrap_or(u64::MAX))?;
                waiting.extend(full.filter(|path| path.is_dir()));
            }
        }
        Ok(())
    }

    /// `path` without links; None when it leads nowhere.
    fn look_at(&self, path: &Path, most: u64) -> Checked<Option<PathBuf>> {
        match self.inside(path, path) {
            Err(BoundaryError::Io(_, error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            full => full.and_then(|full| check_size(&full, most).map(|()| Some(full))),
        }
    }
}

/// Most bytes of what is called so in a git directory; None for what is never read.
fn largest(name: &str) -> Option<u64> {
    match name {
        "objects" | "refs" | "worktrees" | "packed-refs" => Some(u64::MAX),
        "config" | "config.worktree" => Some(LARGEST_CONFIG),
        "shallow" => Some(LARGEST_LIST),
        "commondir" | "gitdir" => Some(LARGEST_LINK),
        // References without a directory, as HEAD is one.
        name => name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_').then_some(LARGEST_LINK),
    }
}

fn entries(dir: &Path) -> Checked<Vec<DirEntry>> {
    fs::read_dir(dir).and_then(Iterator::collect).map_err(|error| BoundaryError::Io(dir.to_owned(), error))
}

fn check_size(file: &Path, most: u64) -> Checked<()> {
    let metadata = fs::metadata(file).map_err(|error| BoundaryError::Io(file.to_owned(), error))?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(BoundaryError::Special(file.to_owned()));
    }
    if metadata.is_file() && metadata.len() > most {
        return Err(BoundaryError::TooLarge(file.to_owned(), most));
    }
    Ok(())
}
