//! Recording a repository's history as pushes of a project.

use std::collections::BTreeSet;

use diesel::result::Error as DieselError;
use gix::ObjectId;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::changes::{Changes, Comparison};
use super::history::{End, ReadError, Repository, Source};
use super::pushes::{Push, Recorded, pushes};
use super::queries::{self, Authors, ImportedAction, NewPush};
use crate::audit::{self, AuditAction, Target};
use crate::db::ids::ProjectId;
use crate::db::{Actor, Db, DbError};
use crate::identity::Principal;
use crate::runtime::{Clock, hex};

/// Pushes a transaction: what a cut-off run may lose.
const BATCH: usize = 500;

/// Longest subject in an action's text, in characters; the push holds the whole message.
const LONGEST_SUBJECT: usize = 200;

/// Why a history was not imported. What was recorded before an error stays, and the next run goes on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no such project.
    #[error("there is no project {0}")]
    UnknownProject(String),
    /// The repository can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The database did not take it.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<DieselError> for ImportError {
    fn from(error: DieselError) -> Self {
        DbError::from(error).into()
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The history is read.
    Reading {
        /// Commits so far.
        commits: usize,
    },
    Recording {
        /// Commits of the pushes that are on record by now, those of earlier runs too.
        commits: usize,
        /// All commits.
        of: usize,
    },
}

/// What an import found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Commits of the first-parent history.
    pub commits: usize,
    pub pushes: usize,
    /// Pushes that this run recorded.
    pub new_pushes: usize,
    /// Actions that this run recorded.
    pub new_actions: usize,
    /// What it did without.
    pub left_out: LeftOut,
}

/// What a repository has and an import does not tell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// Commits whose author or time can't be read; they are on record without.
    pub damaged: usize,
    /// Pushes of this run whose files can't be told.
    pub without_files: usize,
    /// Why there are no older commits, if there were some.
    pub end: Option<End>,
    /// A list of names that can't be read.
    pub mailmap: Option<String>,
}

/// Records the first-parent history of `source` as pushes of `project`, oldest first and in batches, as the
/// system. `report` hears how far it is.
pub fn import(
    (db, clock): (&Db, &Clock),
    source: &Source,
    project: &str,
    mut report: impl FnMut(Progress),
) -> Result<Summary, ImportError> {
    let unknown = || ImportError::UnknownProject(project.to_owned());
    let project: ProjectId = project.parse().map_err(|_| unknown())?;
    let (name, recorded) = on_record(db, project)?.ok_or_else(unknown)?;
    let repository = Repository::open(source)?;
    let history = repository.first_parents(|commits| report(Progress::Reading { commits }))?;
    let left_out = LeftOut {
        damaged: history.damaged,
        end: history.end,
        mailmap: repository.unread_mailmap().map(str::to_owned),
        without_files: 0,
    };

    let history = history.commits;
    let all = pushes(&history, &recorded);
    let missing: Vec<_> = all.iter().filter(|push| !recorded.contains_key(&push.head.id)).copied().collect();
    let mut summary = Summary { commits: history.len(), pushes: all.len(), left_out, ..Summary::default() };
    let mut writer = Writer::new((db, clock), &repository, (project, &name));
    let mut done = history.len() - commits_of(&missing);
    report(Progress::Recording { commits: done, of: history.len() });
    for batch in missing.chunks(BATCH) {
        let (pushes, actions) = writer.record(batch)?;
        summary.new_pushes += pushes;
        summary.new_actions += actions;
        done += commits_of(batch);
        report(Progress::Recording { commits: done, of: history.len() });
    }
    summary.left_out.without_files = writer.without_files;
    Ok(summary)
}

fn commits_of(pushes: &[Push<'_>]) -> usize {
    pushes.iter().map(|push| push.commits.len()).sum()
}

/// The project's name and its recorded pushes; None when there is no such project.
fn on_record(db: &Db, project: ProjectId) -> Result<Option<(String, Recorded)>, ImportError> {
    db.read_blocking(&Actor::System, |conn| {
        let Some(name) = queries::project_name(conn, project)? else { return Ok(None) };
        let sentences = queries::recorded_sentences(conn, project)?;
        let commits = |push: &str| {
            let action = format!("act_{}", push.strip_prefix("push_")?);
            commits_in(sentences.get(&action)?)
        };
        let heads = queries::recorded_heads(conn, project)?;
        // Other programs may have written anything there.
        let heads = heads
            .iter()
            .filter_map(|(push, sha)| Some((ObjectId::from_hex(sha.as_bytes()).ok()?, commits(push))));
        Ok(Some((name, heads.collect())))
    })
}

/// Turns pushes into rows and writes them.
struct Writer<'a> {
    db: &'a Db,
    clock: &'a Clock,
    repository: &'a Repository,
    project: ProjectId,
    /// The audit entry of this run, until it stands.
    audit: Option<Target>,
    branch: String,
    origin: String,
    comparison: Comparison,
    without_files: usize,
}

impl<'a> Writer<'a> {
    fn new(
        (db, clock): (&'a Db, &'a Clock),
        repository: &'a Repository,
        (project, name): (ProjectId, &str),
    ) -> Self {
        Self {
            db,
            clock,
            repository,
            project,
            audit: Some(Target::project(project, name)),
            branch: repository.branch(),
            origin: repository.origin(),
            comparison: Comparison::default(),
            without_files: 0,
        }
    }

    /// Reads everything first, so that no transaction waits for the disk. Newest first: packs keep new trees
    /// whole and old ones as what differs from them, so each is one step from the one before.
    fn record(&mut self, batch: &[Push<'_>]) -> Result<(usize, usize), ImportError> {
        let mut pushes = Vec::with_capacity(batch.len());
        let mut actions = Vec::with_capacity(batch.len());
        for push in batch.iter().rev() {
            let (push, action) = self.rows(push)?;
            pushes.push(push);
            actions.push(action);
        }
        pushes.reverse();
        actions.reverse();
        let emails: BTreeSet<String> = pushes.iter().map(|push| push.author_email.clone()).collect();
        let emails: Vec<String> = emails.into_iter().collect();
        let recorded = self.db.write_blocking(&Actor::System, |conn| {
            // Reading a history takes minutes: the project may be gone by now.
            if !queries::hold_project(conn, self.project)? {
                return Err(ImportError::UnknownProject(self.project.to_string()));
            }
            // With the first batch: what a run that is cut off later has recorded is accounted for.
            if let Some(project) = &self.audit {
                let principal = Principal::system(self.clock.now());
                let after = json!({ "repository": self.origin, "branch": self.branch });
                audit::record_change(
                    conn,
                    &principal,
                    &AuditAction::RepositoryImported,
                    project,
                    Value::Null,
                    after,
                )?;
            }
            let authors = queries::authors(conn, &emails)?;
            for (push, action) in pushes.iter_mut().zip(&mut actions) {
                push.user_id = user_of(&authors, &push.author_email);
                action.user_id.clone_from(&push.user_id);
            }
            queries::insert(conn, &pushes, &actions).map_err(ImportError::from)
        })?;
        self.audit = None;
        Ok(recorded)
    }

    fn rows(&mut self, push: &Push<'_>) -> Result<(NewPush, ImportedAction), ImportError> {
        let head = self.repository.headline(push.head.id)?;
        let changes = self.repository.changes(push, &mut self.comparison);
        self.without_files += usize::from(changes.is_none());
        let sha = push.head.id.to_string();
        let digest = hex(&Sha256::digest(format!("{}:{sha}", self.project)));
        let (push_id, action_id) = (format!("push_{}", &digest[..32]), format!("act_{}", &digest[..32]));
        let project_id = self.project.to_string();
        let created_at = push.head.committed_at.saturating_mul(1000);
        let action = ImportedAction {
            action_id,
            project_id: project_id.clone(),
            user_id: None,
            action_type: "github_push",
            action_details: sentence(push.commits.len(), changes.as_ref(), &self.branch, &head.message),
            status: "success",
            environment: "development",
            reference_ids: json!({
                "github_push_id": push_id, "commit_sha": sha, "branch_name": self.branch,
            }),
            created_at,
        };
        let push = NewPush {
            push_id,
            project_id,
            user_id: None,
            repo_url: self.origin.clone(),
            branch_name: self.branch.clone(),
            commit_sha: sha,
            commit_message: head.message,
            author_name: head.author.name,
            author_email: head.author.email,
            files_changed: changes.as_ref().map(|changes| i32::try_from(changes.count).unwrap_or(i32::MAX)),
            files: changes.map(|changes| json!(changes.paths)),
            created_at,
        };
        Ok((push, action))
    }
}

fn user_of(authors: &Authors, email: &str) -> Option<String> {
    if email.is_empty() { None } else { authors.user(email) }
}

/// "Pushed 2 commits (5 files) to main: Fix the cart"
fn sentence(commits: usize, changes: Option<&Changes>, branch: &str, message: &str) -> String {
    let commits = counted(commits, "commit");
    let files = changes.map(|changes| format!(" ({})", counted(changes.count, "file"))).unwrap_or_default();
    let subject: String = message.trim_start().lines().next().unwrap_or_default().trim_end().to_owned();
    let mut text = format!("Pushed {commits}{files} to {branch}");
    if !subject.is_empty() {
        text.push_str(": ");
        text.extend(subject.chars().take(LONGEST_SUBJECT));
        if subject.chars().nth(LONGEST_SUBJECT).is_some() {
            text.push('…');
        }
    }
    text
}

/// The number of commits that such a sentence begins with.
fn commits_in(sentence: &str) -> Option<usize> {
    let (count, rest) = sentence.strip_prefix("Pushed ")?.split_once(' ')?;
    rest.starts_with("commit").then(|| count.parse().ok()).flatten()
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_counts_and_quotes_the_subject() {
        let changes = |count| Changes { count, paths: vec![] };
        assert_eq!(
            sentence(1, Some(&changes(1)), "main", "Fix\n\nBody"),
            "Pushed 1 commit (1 file) to main: Fix"
        );
        assert_eq!(sentence(2, Some(&changes(0)), "HEAD", " \n"), "Pushed 2 commits (0 files) to HEAD");
        assert_eq!(sentence(2, None, "main", "\n Fix "), "Pushed 2 commits to main: Fix");
        assert!(sentence(1, None, "main", &"x".repeat(300)).ends_with("x…"));
    }

    #[test]
    fn the_number_of_commits_can_be_read_back() {
        for commits in [1, 2, 1234] {
            assert_eq!(commits_in(&sentence(commits, None, "main", "Fix")), Some(commits));
        }
        for other in ["", "Pushed", "Pushed many commits", "Pushed 3 boxes", "Deployed 2 commits"] {
            assert_eq!(commits_in(other), None, "{other}");
        }
    }
}
