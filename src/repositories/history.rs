//! Reading a repository: the first-parent history of HEAD, as much of it as the pushes need.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};

use super::commit::CommitParts;
use super::place::{self, printable};
use super::remote;

/// Trees and commits that neighbours share are unpacked once.
const OBJECT_CACHE_BYTES: usize = 64 << 20;

/// Longest message that is kept, in characters.
const LONGEST_MESSAGE: usize = 10_000;

/// Longest name and address that are kept, in characters.
const LONGEST_NAME: usize = 1_000;

/// Bytes of the largest commit that is read. What people write has a few thousand.
const LARGEST_COMMIT: u64 = 32 << 20;

/// Bytes of the largest `.mailmap` that is read; that of a project with thousands of people has a tenth.
const LARGEST_MAILMAP: u64 = 1 << 20;

/// Bytes of the largest object of any kind that is unpacked: a directory of a million files has less.
const LARGEST_OBJECT: u64 = 64 << 20;

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
    #[error("there is nothing to import: HEAD is {branch}, which has no commits{}", offered(branches))]
    NoCommits {
        /// The branch.
        branch: String,
        /// Branches that have some.
        branches: Vec<String>,
    },
    /// There is no branch or tag of that name.
    #[error("there is no branch {}{}", printable(name), offered(branches))]
    NoBranch {
        /// What was asked for.
        name: String,
        /// Branches that there are.
        branches: Vec<String>,
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

/// Branches that a refusal names.
const MOST_OFFERED: usize = 20;

/// "; there are main and next, choose one with --branch"
fn offered(branches: &[String]) -> String {
    let named = branches.iter().take(MOST_OFFERED).map(|name| printable(name)).collect::<Vec<_>>();
    match (named.as_slice(), branches.len() > MOST_OFFERED) {
        ([], _) => String::new(),
        ([one], _) => format!("; there is {one}, take it with --branch"),
        (_, true) => format!("; there are {} and more, take one with --branch", named.join(", ")),
        ([first @ .., last], false) => {
            format!("; there are {} and {last}, take one with --branch", first.join(", "))
        }
    }
}

/// What is to be read.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// A work tree, a `.git` directory or a bare repository.
    pub path: PathBuf,
    /// A branch or tag, or a reference's full name; else what HEAD names.
    pub branch: Option<String>,
    /// Whether what lies outside of `path` is read when the repository leads there.
    pub follow_links: bool,
}

/// A repository that was opened for reading. Configuration outside of it and the environment are ignored.
#[derive(Debug)]
pub struct Repository {
    pub(super) git: gix::Repository,
    name: String,
    /// The reference that is read in place of HEAD.
    branch: Option<gix::refs::FullName>,
    mailmap: gix::mailmap::Snapshot,
}

/// One commit of the history, as much of it as grouping needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commit {
    pub id: ObjectId,
    pub before: Before,
    /// Index of the author's e-mail address in the order of appearance; case does not matter.
    pub author: usize,
    /// The same of the address that `.mailmap` has for them.
    pub person: usize,
    /// When it was committed, in epoch seconds.
    pub committed_at: i64,
}

/// A first-parent history, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct History {
    /// Oldest first.
    pub commits: Vec<Commit>,
    /// Commits of which something could not be read, and was left out.
    pub damaged: usize,
    /// The commit that could not be read and that nothing older was found behind, and why.
    pub ends_at: Option<String>,
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
    /// Opens `source`.
    ///
    /// # Errors
    /// [`ReadError::Open`], [`ReadError::NoBranch`].
    pub fn open(source: &Source) -> Result<Self, ReadError> {
        let failed = |reason: String| ReadError::Open { path: source.path.clone(), reason };
        let full = source.path.canonicalize().map_err(|error| failed(error.to_string()))?;
        place::check(&full, source.follow_links).map_err(failed)?;
        let options = gix::open::Options::isolated()
            .config_overrides([format!("gitoxide.objects.allocLimit={LARGEST_OBJECT}")]);
        let mut git = gix::open_opts(&full, options).map_err(|error| failed(one_line(&error)))?;
        git.object_cache_size(OBJECT_CACHE_BYTES);
        // One could make a history without an end out of another one.
        git.objects.ignore_replacements = true;
        let mut repository = Self {
            git,
            name: directory_name(&full),
            branch: None,
            mailmap: gix::mailmap::Snapshot::default(),
        };
        if let Some(name) = &source.branch {
            repository.branch = Some(repository.named(name)?);
        }
        if let Some(bytes) = repository.mailmap_bytes() {
            repository.mailmap = gix::mailmap::Snapshot::from_bytes(&bytes);
        }
        Ok(repository)
    }

    /// `.mailmap` as git takes it: the work tree's, else the one of the commit that is read. A link is none.
    fn mailmap_bytes(&self) -> Option<Vec<u8>> {
        if let Some(file) = self.git.workdir().map(|dir| dir.join(".mailmap"))
            && let Ok(found) = file.symlink_metadata()
        {
            let is_taken = found.is_file() && found.len() <= LARGEST_MAILMAP;
            return is_taken.then(|| std::fs::read(file).ok()).flatten();
        }
        let tree = self.object(self.head().ok()?).ok()?;
        let tree = self.git.find_tree(CommitParts::read(&tree.data).tree?).ok()?;
        let entry = tree.find_entry(".mailmap").filter(|entry| entry.mode().is_blob())?;
        let size = self.git.find_header(entry.object_id()).ok()?.size();
        (size <= LARGEST_MAILMAP)
            .then(|| self.git.find_blob(entry.object_id()).ok())
            .flatten()
            .map(|mut blob| blob.take_data())
    }

    /// Name and address as `.mailmap` has them.
    fn person(&self, name: &str, email: &str) -> (String, String) {
        let written = gix::actor::SignatureRef { name: name.into(), email: email.into(), time: "" };
        let Some(known) = self.mailmap.try_resolve_ref(written) else {
            return (name.to_owned(), email.to_owned());
        };
        (known.name.map_or_else(|| name.to_owned(), text), known.email.map_or_else(|| email.to_owned(), text))
    }

    /// The reference that people call `name`: a branch, one of a remote, or a tag.
    fn named(&self, name: &str) -> Result<gix::refs::FullName, ReadError> {
        let prefixes = if name.starts_with("refs/") {
            &[""][..]
        } else {
            &["refs/heads/", "refs/remotes/", "refs/tags/"]
        };
        for prefix in prefixes {
            let Ok(full) = gix::refs::FullName::try_from(format!("{prefix}{name}")) else { continue };
            if let Ok(Some(_)) = self.git.try_find_reference(full.as_ref()) {
                return Ok(full);
            }
        }
        Err(ReadError::NoBranch { name: name.to_owned(), branches: self.branches() })
    }

    /// Names of the first few branches; of the remotes' where there are no others.
    fn branches(&self) -> Vec<String> {
        let Ok(references) = self.git.references() else { return Vec::new() };
        let names = |prefix: &str| -> Vec<String> {
            let Ok(found) = references.prefixed(prefix) else { return Vec::new() };
            let found = found.filter_map(Result::ok).take(MOST_OFFERED + 1);
            found.map(|reference| text(reference.name().shorten())).collect()
        };
        let own = names("refs/heads/");
        if own.is_empty() { names("refs/remotes/") } else { own }
    }

    /// The branch that is read: the one that was asked for, else the one that HEAD is on; `HEAD` when it is on none.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] when HEAD can't be read.
    pub fn branch(&self) -> Result<String, ReadError> {
        if let Some(branch) = &self.branch {
            return Ok(text(branch.as_ref().shorten()));
        }
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
    ///
    /// # Errors
    /// [`ReadError`] when there is no first commit to read.
    pub(super) fn first_parents(&self, mut on_commit: impl FnMut(usize)) -> Result<History, ReadError> {
        let cut_off = self.git.shallow_commits().map_err(|error| damaged("the shallow file", &error))?;
        let mut authors = HashMap::new();
        let mut history = History::default();
        let mut next = Some(self.head()?);
        // A time that can't be read is taken to be that of the commit that follows.
        let mut later = 0;
        while let Some(id) = next {
            let object = match self.object(id) {
                Ok(object) => object,
                // What is newer can be imported all the same.
                Err(reason) => {
                    let Some(child) = history.commits.last_mut() else {
                        return Err(ReadError::Damaged { at: id.to_string(), reason });
                    };
                    child.before = Before::CutOff;
                    history.ends_at = Some(format!("{id}: {reason}"));
                    break;
                }
            };
            let commit = CommitParts::read(&object.data);
            let before = match commit.parent {
                Some(_) if cut_off.as_ref().is_some_and(|ids| ids.contains(&id)) => Before::CutOff,
                Some(parent) => Before::Commit(parent),
                None if commit.parent_damaged => Before::CutOff,
                None => Before::Nothing,
            };
            if commit.parent_damaged {
                history.ends_at = Some(format!("{id}: the line of its parent can't be read"));
            }
            history.damaged += usize::from(commit.is_damaged());
            let email = commit.text(commit.author.email);
            let person = self.person(&commit.text(commit.author.name), &email).1;
            let mut index = |email: String| {
                let known = authors.len();
                *authors.entry(email.to_lowercase()).or_insert(known)
            };
            let (author, person) = (index(email), index(person));
            later = commit.seconds().unwrap_or(later);
            history.commits.push(Commit { id, before, author, person, committed_at: later });
            on_commit(history.commits.len());
            next = if let Before::Commit(parent) = before { Some(parent) } else { None };
        }
        history.commits.reverse();
        Ok(history)
    }

    /// Message and author of a commit, as text that the database takes.
    pub(super) fn headline(&self, id: ObjectId) -> Result<Headline, ReadError> {
        let object = self.object(id).map_err(|reason| ReadError::Damaged { at: id.to_string(), reason })?;
        let commit = CommitParts::read(&object.data);
        // Bytes first: a message may be as large as memory.
        let bounded = |bytes: &[u8], most: usize| {
            commit.text(&bytes[..bytes.len().min(most * 4)]).chars().take(most).collect::<String>()
        };
        let (author_name, author_email) = self
            .person(&bounded(commit.author.name, LONGEST_NAME), &bounded(commit.author.email, LONGEST_NAME));
        Ok(Headline { message: bounded(commit.message, LONGEST_MESSAGE), author_name, author_email })
    }

    /// A commit as it is stored, or why it can't be read.
    fn object(&self, id: ObjectId) -> Result<gix::Object<'_>, String> {
        let header = self.git.find_header(id).map_err(|error| one_line(&error))?;
        if header.kind() != gix::objs::Kind::Commit {
            return Err(format!("it is a {}, not a commit", header.kind()));
        }
        if header.size() > LARGEST_COMMIT {
            return Err(format!(
                "it has {} bytes, and more than {LARGEST_COMMIT} are not read",
                header.size()
            ));
        }
        self.git.find_object(id).map_err(|error| one_line(&error))
    }

    /// The commit that the history is read from.
    fn head(&self) -> Result<ObjectId, ReadError> {
        if let Some(branch) = &self.branch {
            let told = |error: gix::Error| damaged(&text(branch.as_ref().shorten()), &error);
            let mut reference = self.git.find_reference(branch.as_ref()).map_err(told)?;
            return Ok(reference.peel_to_commit().map_err(told)?.id);
        }
        let mut head = self.git.head().map_err(|error| damaged("HEAD", &error))?;
        if head.is_unborn() {
            return Err(ReadError::NoCommits { branch: self.branch()?, branches: self.branches() });
        }
        let commit = head.peel_to_commit().map_err(|error| damaged("HEAD", &error))?;
        Ok(commit.id)
    }
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
