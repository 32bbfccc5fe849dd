//! Reading a repository: the first-parent history of HEAD, as much of it as the pushes need.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};

use super::remote;

/// Trees and commits that neighbours share are unpacked once.
const OBJECT_CACHE_BYTES: usize = 64 << 20;

/// Longest message that is kept, in characters.
const LONGEST_MESSAGE: usize = 10_000;

/// Why a repository could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no repository at that path, or not one that this program can read.
    #[error("can't open {} as a git repository: {reason}", path.display())]
    Open {
        /// What was asked for.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// HEAD names a branch without commits.
    #[error("there is nothing to import: HEAD is {branch}, which has no commits")]
    NoCommits {
        /// The branch.
        branch: String,
    },
    /// An object of the history is missing or damaged.
    #[error("the history can't be read at {at}: {reason}")]
    Damaged {
        /// The object, or where it was named.
        at: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A repository that was opened for reading. Configuration outside of it and the environment are ignored.
#[derive(Debug)]
pub struct Repository {
    pub(super) git: gix::Repository,
    name: String,
}

/// One commit of the history, as much of it as grouping needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commit {
    pub id: ObjectId,
    pub before: Before,
    /// Index of the author's e-mail address in the order of appearance; case does not matter.
    pub author: usize,
    /// When it was committed, in epoch seconds.
    pub committed_at: i64,
}

/// What a commit's first parent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// It has none: the history starts here.
    Nothing,
    /// This commit.
    Commit(ObjectId),
    /// A commit that a shallow clone does not have.
    CutOff,
}

/// What a push tells about its newest commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Headline {
    /// Whole message, cut at 10,000 characters.
    pub message: String,
    pub author_name: String,
    pub author_email: String,
}

impl Repository {
    /// Opens the work tree, the `.git` directory or the bare repository at `path`.
    ///
    /// # Errors
    /// [`ReadError::Open`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let failed = |reason: String| ReadError::Open { path: path.to_owned(), reason };
        let full = path.canonicalize().map_err(|error| failed(error.to_string()))?;
        let mut git = gix::open_opts(&full, gix::open::Options::isolated())
            .map_err(|error| failed(one_line(&error)))?;
        git.object_cache_size(OBJECT_CACHE_BYTES);
        Ok(Self { git, name: directory_name(&full) })
    }

    /// The branch that HEAD is on; `HEAD` when it is on none.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] when HEAD can't be read.
    pub fn branch(&self) -> Result<String, ReadError> {
        let head = self.git.head().map_err(|error| damaged("HEAD", &error))?;
        Ok(head.referent_name().map_or_else(|| "HEAD".to_owned(), |name| text(name.shorten())))
    }

    /// Where the repository comes from: the address of its remote `origin` without credentials, else the
    /// name of its directory.
    #[must_use]
    pub fn origin(&self) -> String {
        let configured = self.git.config_snapshot().string("remote.origin.url");
        configured
            .and_then(|url| remote::without_credentials(&text(url.as_bstr())))
            .unwrap_or_else(|| self.name.clone())
    }

    /// Walks the first-parent history of HEAD; `on_commit` hears how many commits were read so far.
    /// Returns it oldest first.
    pub(super) fn first_parents(&self, mut on_commit: impl FnMut(usize)) -> Result<Vec<Commit>, ReadError> {
        let cut_off = self.git.shallow_commits().map_err(|error| damaged("the shallow file", &error))?;
        let mut authors = HashMap::new();
        let mut commits = Vec::new();
        let mut next = Some(self.head()?);
        // A time that can't be read is taken to be that of the commit that follows.
        let mut later = 0;
        while let Some(id) = next {
            let object = self.git.find_commit(id).map_err(|error| damaged(&id.to_string(), &error))?;
            let commit = object.decode().map_err(|error| damaged(&id.to_string(), &error))?;
            let parent = commit.parents().next();
            let before = match parent {
                None => Before::Nothing,
                Some(_) if cut_off.as_ref().is_some_and(|ids| ids.contains(&id)) => Before::CutOff,
                Some(parent) => Before::Commit(parent),
            };
            let email = commit.author().map(|author| text(author.trim().email).to_lowercase());
            let known = authors.len();
            let author = *authors.entry(email.unwrap_or_default()).or_insert(known);
            later = seconds(&commit).unwrap_or(later);
            commits.push(Commit { id, before, author, committed_at: later });
            on_commit(commits.len());
            next = if let Before::Commit(parent) = before { Some(parent) } else { None };
        }
        commits.reverse();
        Ok(commits)
    }

    /// Message and author of a commit, as text that the database takes.
    pub(super) fn headline(&self, id: ObjectId) -> Result<Headline, ReadError> {
        let object = self.git.find_commit(id).map_err(|error| damaged(&id.to_string(), &error))?;
        let commit = object.decode().map_err(|error| damaged(&id.to_string(), &error))?;
        let (author_name, author_email) = commit
            .author()
            .map(|author| (text(author.trim().name), text(author.trim().email)))
            .unwrap_or_default();
        // Bytes first: a message may be as large as memory.
        let message = &commit.message[..commit.message.len().min(LONGEST_MESSAGE * 4)];
        let message = text(message.as_bstr()).chars().take(LONGEST_MESSAGE).collect();
        Ok(Headline { message, author_name, author_email })
    }

    fn head(&self) -> Result<ObjectId, ReadError> {
        let mut head = self.git.head().map_err(|error| damaged("HEAD", &error))?;
        if head.is_unborn() {
            return Err(ReadError::NoCommits { branch: self.branch()? });
        }
        let commit = head.peel_to_commit().map_err(|error| damaged("HEAD", &error))?;
        Ok(commit.id)
    }
}

/// The committer's time; the author's when that can't be read.
fn seconds(commit: &gix::objs::CommitRef<'_>) -> Option<i64> {
    let read =
        |signature: gix::Result<gix::actor::SignatureRef<'_>>| Some(signature.ok()?.time().ok()?.seconds);
    read(commit.committer()).or_else(|| read(commit.author()))
}

/// What git gives as bytes, as text: invalid UTF-8 is replaced, NUL left out (PostgreSQL takes none).
pub(super) fn text(bytes: &BStr) -> String {
    let mut text = bytes.to_str_lossy().into_owned();
    text.retain(|c| c != '\0');
    text
}

fn damaged(at: &str, error: &gix::Error) -> ReadError {
    ReadError::Damaged { at: at.to_owned(), reason: one_line(error) }
}

fn one_line(error: &gix::Error) -> String {
    error.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// What people call a repository at `path`: a `.git` directory goes by its work tree's name.
fn directory_name(path: &Path) -> String {
    let own = if path.ends_with(".git") { path.parent().unwrap_or(path) } else { path };
    let name = own.file_name().unwrap_or(own.as_os_str());
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_neither_nul_nor_invalid_utf8() {
        assert_eq!(text(b"a\0b\xffc".as_bstr()), "ab\u{FFFD}c");
    }

    #[test]
    fn a_git_directory_goes_by_the_name_of_its_work_tree() {
        assert_eq!(directory_name(Path::new("/srv/shop/.git")), "shop");
        assert_eq!(directory_name(Path::new("/srv/shop.git")), "shop.git");
        assert_eq!(directory_name(Path::new("/")), "/");
    }
}
