//! Where a history starts: HEAD, or the branch that was asked for.

use gix::ObjectId;
use gix::refs::{FullName, Target};

use super::commit::text;
use super::history::{ReadError, damaged};

/// References from one to the next, and tags of tags.
const LONGEST_CHAIN: usize = 10;

/// Branches that are listed where there is no commit to start from.
const MOST_NAMES: usize = 20;

/// The newest commit, and what it was found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub commit: ObjectId,
    /// Short name of the branch; `HEAD` when that is on none.
    pub name: String,
}

/// The commit that `branch` names, HEAD without one.
pub(super) fn find(git: &gix::Repository, branch: Option<&str>) -> Result<Head, ReadError> {
    let (name, target) = match branch {
        Some("HEAD") | None => head(git)?,
        Some(branch) => named(git, branch)?,
    };
    let shown = name.as_ref().map_or_else(|| "HEAD".to_owned(), |name| text(name.shorten()));
    let nothing = |what: String| ReadError::NoCommits(with_branches(git, &what));
    let object = match target {
        None => return Err(nothing(format!("HEAD is {shown}, which has no commits"))),
        Some(target) => follow(git, target).ok_or_else(|| nothing(format!("{shown} names no object")))?,
    };
    let commit = peel(git, object)
        .ok_or_else(|| nothing(format!("{shown} is {object}, which is no commit that can be read")))?;
    Ok(Head { commit, name: shown })
}

/// HEAD's branch, and what that names; nothing for a branch without commits.
fn head(git: &gix::Repository) -> Result<(Option<FullName>, Option<Target>), ReadError> {
    let unreadable = |reason: &str| ReadError::NoCommits(with_branches(git, reason));
    let head = git.refs.find("HEAD").map_err(|_| unreadable("HEAD can't be read"))?;
    match head.target {
        Target::Object(id) => Ok((None, Some(Target::Object(id)))),
        Target::Symbolic(name) if name.as_bstr().starts_with(b"refs/") => {
            let found = git.refs.try_find(name.as_ref().as_partial_name());
            let found = found
                .map_err(|_| unreadable(&format!("HEAD is {}, which can't be read", text(name.shorten()))))?;
            Ok((Some(name), found.map(|reference| reference.target)))
        }
        Target::Symbolic(name) => {
            Err(unreadable(&format!("HEAD is {}, which is no branch", text(name.as_bstr()))))
        }
    }
}

/// What is called so: in full, as a branch, a tag or a branch of a remote.
fn named(git: &gix::Repository, name: &str) -> Result<(Option<FullName>, Option<Target>), ReadError> {
    let places: &[&str] =
        if name.starts_with("refs/") { &[""] } else { &["refs/heads/", "refs/tags/", "refs/remotes/"] };
    for place in places {
        let Ok(full) = FullName::try_from(format!("{place}{name}")) else { continue };
        let found = git.refs.try_find(full.as_ref().as_partial_name());
        if let Some(found) = found.map_err(|error| damaged(&text(full.as_bstr()), &error))? {
            return Ok((Some(full), Some(found.target)));
        }
    }
    Err(ReadError::NoCommits(with_branches(git, &format!("there is no branch or tag {name}"))))
}

/// The object at the end of a chain of references.
fn follow(git: &gix::Repository, mut target: Target) -> Option<ObjectId> {
    for _ in 0..LONGEST_CHAIN {
        match target {
            Target::Object(id) => return Some(id),
            Target::Symbolic(name) if name.as_bstr().starts_with(b"refs/") => {
                target = git.refs.try_find(name.as_ref().as_partial_name()).ok()??.target;
            }
            Target::Symbolic(_) => return None,
        }
    }
    None
}

/// The commit that an object is, or that it tags.
fn peel(git: &gix::Repository, mut id: ObjectId) -> Option<ObjectId> {
    for _ in 0..LONGEST_CHAIN {
        let object = git.find_object(id).ok()?;
        match object.kind {
            gix::objs::Kind::Commit => return Some(id),
            gix::objs::Kind::Tag => id = object.try_to_tag_ref().ok()?.target(),
            _ => return None,
        }
    }
    None
}

/// `what`, and the branches that `--branch` takes instead.
fn with_branches(git: &gix::Repository, what: &str) -> String {
    let mut names: Vec<String> = Vec::new();
    let mut more = 0_usize;
    if let Ok(references) = git.references()
        && let Ok(branches) = references.local_branches()
    {
        for branch in branches.filter_map(Result::ok) {
            if names.len() < MOST_NAMES {
                names.push(super::commit::cut(&text(branch.name().shorten()), 100));
            } else {
                more += 1;
            }
        }
    }
    if names.is_empty() {
        return what.to_owned();
    }
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{what}; --branch takes one of {}{more}", names.join(", "))
}
