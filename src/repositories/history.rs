//! Reading a repository: the first-parent history of a branch, as much of it as the pushes need.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use sha2::{Digest, Sha256};

use super::authors::Mailmap;
use super::boundary::{self, BoundaryError, Located};
use super::commit::{Author, CommitBytes, Parent, cut, text};
use super::heads::{self, Head};
use super::remote;

/// Trees and commits that neighbours share are unpacked once.
const OBJECT_CACHE_BYTES: usize = 64 << 20;

/// Neighbours in a pack are stored as what differs from each other, in chains of up to fifty.
const PACK_CACHE_BYTES: usize = 32 << 20;

/// Largest commit or tree that is unpacked. A directory of 700,000 files fits.
const LARGEST_OBJECT: &str = "gitoxide.objects.allocLimit=32m";

/// Commits that are read; what is older is left out.
const LONGEST_HISTORY: usize = 1_000_000;

/// Longest name of a branch or address of a remote that is kept, in characters.
const LONGEST_ORIGIN: usize = 500;

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
    /// A part of it lies elsewhere.
    #[error(
        "{} leads to {}, which is outside of {}; --follow-links reads it all the same",
        from.display(), to.display(), path.display()
    )]
    Outside {
        /// What was asked for.
        path: PathBuf,
        /// The file that leads there.
        from: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// It is stored in a way that this program can't read.
    #[error("{} {reason}", path.display())]
    Format {
        /// What was asked for.
        path: PathBuf,
        /// What it is, and what to do.
        reason: &'static str,
    },
    /// There is no such commit to start from.
    #[error("there is nothing to import: {0}")]
    NoCommits(String),
    /// The newest commit is missing or damaged.
    #[error("the history can't be read at {at}: {reason}")]
    Damaged {
        /// The object, or where it was named.
        at: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Which history is to be read.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// A work tree, a `.git` directory or a bare repository.
    pub path: PathBuf,
    /// A branch, a tag or a full reference; else HEAD counts.
    pub branch: Option<String>,
    /// Whether to read what lies outside of the path, too.
    pub follow_links: bool,
}

/// A repository that was opened for reading. Configuration outside of it and the environment are ignored.
#[derive(Debug)]
pub struct Repository {
    pub(super) git: gix::Repository,
    name: String,
    head: Head,
    mailmap: Mailmap,
}

/// The first-parent history of a branch.
#[derive(Debug)]
pub(super) struct History {
    /// Oldest first.
    pub commits: Vec<Commit>,
    /// How many of them say less than a commit does.
    pub damaged: usize,
    /// Where it was cut off.
    pub end: Option<End>,
}

/// Why the oldest commit of a history is not the first there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// A shallow clone has no more.
    Shallow,
    /// The commit's parent is missing or damaged.
    Unreadable(ObjectId),
    /// The commit's parent was there already: replacements go round in a circle.
    Circle(ObjectId),
    /// There are more commits than these, which are all that are read.
    Long(usize),
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
    Commit(ObjectId),
    /// A commit that can't be read.
    CutOff,
}

/// What a push tells about its newest commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Headline {
    pub message: String,
    pub author: Author,
}

impl Repository {
    /// Opens the repository and finds the newest commit.
    pub fn open(source: &Source) -> Result<Self, ReadError> {
        let Source { path, branch, follow_links } = source;
        let located = boundary::locate(path, *follow_links)?;
        check_format(path, &located)?;
        let failed = |reason: String| ReadError::Open { path: path.clone(), reason };
        // Values given here count more than those of the repository.
        let options = gix::open::Options::isolated()
            .open_path_as_is(true)
            .lossy_config(true)
            .config_overrides([LARGEST_OBJECT]);
        let mut git = gix::open_opts(&located.git_dir, options).map_err(|error| failed(one_line(&error)))?;
        git.object_cache_size(OBJECT_CACHE_BYTES);
        git.objects.set_pack_cache(|| {
            Box::new(gix::odb::pack::cache::lru::MemoryCappedHashmap::new(PACK_CACHE_BYTES))
        });
        let head = heads::find(&git, branch.as_deref())?;
        let mailmap = Mailmap::read(&git, &located, head.commit, *follow_links);
        Ok(Self { git, name: directory_name(&located.root), head, mailmap })
    }

    /// The branch that is read; `HEAD` when it is none.
    #[must_use]
    pub fn branch(&self) -> String {
        cut(&self.head.name, LONGEST_ORIGIN)
    }

    /// Where the repository comes from: the address of its remote `origin` without credentials, else the
    /// name of its directory.
    #[must_use]
    pub fn origin(&self) -> String {
        let configured = self.git.config_snapshot().string("remote.origin.url");
        let origin = configured
            .and_then(|url| remote::without_credentials(&text(&url)))
            .unwrap_or_else(|| self.name.clone());
        cut(&origin, LONGEST_ORIGIN)
    }

    /// Why a list of names was not read.
    pub(super) fn unread_mailmap(&self) -> Option<&str> {
        self.mailmap.unread.as_deref()
    }

    /// Walks the first-parent history; `on_commit` hears how many commits were read so far.
    pub(super) fn first_parents(&self, mut on_commit: impl FnMut(usize)) -> Result<History, ReadError> {
        let cut_off = self.git.shallow_commits().map_err(|error| damaged("the shallow file", &error))?;
        let (mut authors, mut seen) = (HashMap::new(), HashSet::new());
        let mut history = History { commits: Vec::new(), damaged: 0, end: None };
        let mut next = Some(self.head.commit);
        // A time that can't be read is taken to be that of the commit that follows.
        let mut later = 0;
        while let Some(id) = next {
            let object = match self.commit(id) {
                Ok(_) if !seen.insert(id) => {
                    history.cut_off(End::Circle);
                    break;
                }
                Ok(object) => object,
                Err(reason) if history.commits.is_empty() => {
                    return Err(ReadError::Damaged { at: id.to_string(), reason });
                }
                Err(_) => {
                    history.cut_off(End::Unreadable);
                    break;
                }
            };
            let commit = CommitBytes::parse(&object);
            let before = match commit.parent() {
                Parent::None => Before::Nothing,
                Parent::Commit(_) if cut_off.as_ref().is_some_and(|ids| ids.contains(&id)) => {
                    history.end = Some(End::Shallow);
                    Before::CutOff
                }
                Parent::Commit(parent) => Before::Commit(parent),
                Parent::Unreadable => {
                    history.end = Some(End::Unreadable(id));
                    Before::CutOff
                }
            };
            let author = commit.author();
            let time = commit.committed_at();
            history.damaged += usize::from(author.is_none() || time.is_none());
            let email = self.mailmap.map(author.unwrap_or_default()).email.to_lowercase();
            let known = authors.len();
            // As many addresses as commits, in the worst case: each is kept short.
            let author = *authors.entry(Sha256::digest(email)).or_insert(known);
            later = time.or_else(|| commit.written_at()).unwrap_or(later);
            history.commits.push(Commit { id, before, author, committed_at: later });
            on_commit(history.commits.len());
            next = if let Before::Commit(parent) = before { Some(parent) } else { None };
            if next.is_some() && history.commits.len() == LONGEST_HISTORY {
                history.cut_off(|_| End::Long(LONGEST_HISTORY));
                break;
            }
        }
        history.commits.reverse();
        Ok(history)
    }

    /// Message and author of a commit, as text that the database takes.
    pub(super) fn headline(&self, id: ObjectId) -> Result<Headline, ReadError> {
        let object = self.commit(id).map_err(|reason| ReadError::Damaged { at: id.to_string(), reason })?;
        let commit = CommitBytes::parse(&object);
        let author = self.mailmap.map(commit.author().unwrap_or_default());
        Ok(Headline { message: commit.message(), author })
    }

    fn commit(&self, id: ObjectId) -> Result<Vec<u8>, String> {
        let mut object = self.git.find_object(id).map_err(|error| one_line(&error))?;
        if object.kind != gix::objs::Kind::Commit {
            return Err(format!("it is a {}", object.kind));
        }
        Ok(std::mem::take(&mut object.data))
    }
}

impl History {
    /// The commit that was read last is the end.
    fn cut_off(&mut self, why: impl Fn(ObjectId) -> End) {
        if let Some(last) = self.commits.last_mut() {
            last.before = Before::CutOff;
            self.end = Some(why(last.id));
        }
    }
}

impl ReadError {
    pub(super) fn from_boundary(path: &Path, error: BoundaryError) -> Self {
        let failed = |reason: String| Self::Open { path: path.to_owned(), reason };
        match error {
            BoundaryError::Outside(from, to) => Self::Outside { path: path.to_owned(), from, to },
            BoundaryError::Special(file) => {
                failed(format!("{} is neither a file nor a directory", file.display()))
            }
            BoundaryError::TooLarge(file, most) => {
                failed(format!("{} has more than {most} bytes", file.display()))
            }
            BoundaryError::Io(file, error) => failed(format!("{}: {error}", file.display())),
        }
    }
}

/// Refuses by name what would read as damage.
fn check_format(path: &Path, located: &Located) -> Result<(), ReadError> {
    let file = located.common_dir.join("config");
    let config = gix::config::File::from_path_no_includes(file, gix::config::Source::Local).ok();
    let value = |key: &str| {
        let value = config.as_ref().and_then(|config| config.string(key))?;
        Some(text(&value).to_lowercase())
    };
    let reason = match (value("extensions.objectFormat"), value("extensions.refStorage")) {
        (Some(format), _) if format != "sha1" => {
            "names its objects by SHA-256 (extensions.objectFormat), which can't be read; a copy that can: \
             git init COPY && git -C REPOSITORY fast-export --all | git -C COPY fast-import"
        }
        (_, Some(storage)) if storage != "files" => {
            "keeps its branches in a reftable (extensions.refStorage), which can't be read; \
             git refs migrate --ref-format=files changes that, or a copy: git clone --bare --ref-format=files"
        }
        _ => return Ok(()),
    };
    Err(ReadError::Format { path: path.to_owned(), reason })
}

pub(super) fn damaged(at: &str, error: &gix::Error) -> ReadError {
    ReadError::Damaged { at: at.to_owned(), reason: one_line(error) }
}

fn one_line(error: &gix::Error) -> String {
    error.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// What people call a repository at `path`: a `.git` directory goes by its work tree's name.
fn directory_name(path: &Path) -> String {
    let own = if path.ends_with(".git") { path.parent().unwrap_or(path) } else { path };
    let name = own.file_name().unwrap_or(own.as_os_str());
    text(name.as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_git_directory_goes_by_the_name_of_its_work_tree() {
        assert_eq!(directory_name(Path::new("/srv/shop/.git")), "shop");
        assert_eq!(directory_name(Path::new("/srv/shop.git")), "shop.git");
        assert_eq!(directory_name(Path::new("/")), "/");
    }
}
