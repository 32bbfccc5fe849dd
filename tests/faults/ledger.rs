//! What consoles and the database said of each write, held against what is there afterwards.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::rig::Database;

/// What whoever asked for a write was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is done: it has to be there, once.
    Done,
    /// Nothing was changed: it must not be there, not half of it either.
    Refused,
    /// Nothing, or that nobody knows: it is there once or not at all, and whole.
    Uncertain,
}

/// The kinds of writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Write {
    /// A project by its name, with its action and its audit entry, through the console's form.
    Project,
    /// The archiving of a project by its id, with action and audit entry, through the console's form.
    Archiving,
    /// An action by its id, straight into the database as workers write it.
    Action,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Mutex<HashMap<(Write, String), Told>>,
}

/// What a check of the ledger found.
#[derive(Debug, Clone, Default)]
pub struct Finding {
    /// Writes that were judged.
    pub writes: usize,
    /// Of those, how many had been acknowledged.
    pub acknowledged: usize,
    /// What is not as it was told; empty when all is well.
    pub misses: Vec<String>,
}

const PROJECTS: &str = "SELECT name FROM projects WHERE name LIKE 'ledger %'";
const CREATED_AUDIT: &str = r#"SELECT "targetName" FROM "ActivityLog" WHERE "activityType" = 'project.created' AND "targetName" LIKE 'ledger %'"#;
const CREATED_ACTIONS: &str = "SELECT p.name FROM turbobackend.project_actions a JOIN projects p ON p.id::text = a.project_id \
     WHERE a.action_type = 'project_created' AND p.name LIKE 'ledger %'";
const ARCHIVED: &str = "SELECT id FROM projects WHERE status = 'archived'";
const ARCHIVED_AUDIT: &str =
    r#"SELECT "projectId" FROM "ActivityLog" WHERE "activityType" = 'project.archived'"#;
const ARCHIVED_ACTIONS: &str =
    "SELECT project_id FROM turbobackend.project_actions WHERE action_type = 'project_archived'";
const ACTIONS: &str = "SELECT action_id FROM turbobackend.project_actions WHERE action_id LIKE 'ledger %'";
/// An action whose project or audit entry is not there would belong to a write that was rolled back.
const ORPHANS: &str = "SELECT a.action_id FROM turbobackend.project_actions a \
     WHERE a.action_type IN ('project_created', 'project_archived') \
       AND NOT EXISTS (SELECT FROM projects p WHERE p.id::text = a.project_id)";

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, HashMap<(Write, String), Told>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what was told of a write.
    pub fn note(&self, write: Write, key: &str, told: Told) {
        self.entries().insert((write, key.to_owned()), told);
    }

    /// Holds everything noted against the database. Actions that wait in the spool, or in its file, get time
    /// to be recorded.
    pub fn check(&self, database: &Database) -> Finding {
        let mut finding = self.look(database);
        let give_up = Instant::now() + Duration::from_mins(1);
        while !finding.misses.is_empty() && Instant::now() < give_up {
            std::thread::sleep(Duration::from_secs(1));
            finding = self.look(database);
        }
        finding
    }

    fn look(&self, database: &Database) -> Finding {
        let mut misses = Vec::new();
        let waiting = database.text("SELECT count(*) FROM pilothouse.action_spool");
        if waiting != "0" {
            misses.push(format!("{waiting} actions stay in the spool"));
        }
        misses
            .extend(database.texts(ORPHANS).into_iter().map(|id| format!("action {id} belongs to nothing")));
        let gaps = database.text("SELECT count(*) FROM pilothouse.recording_gaps");
        if gaps != "0" {
            misses.push(format!("{gaps} gaps in the record"));
        }
        let count = |query: &str| {
            let mut counts: HashMap<String, usize> = HashMap::new();
            for key in database.texts(query) {
                *counts.entry(key).or_default() += 1;
            }
            counts
        };
        let project = [
            ("project", count(PROJECTS)),
            ("audit entry", count(CREATED_AUDIT)),
            ("action", count(CREATED_ACTIONS)),
        ];
        let archiving = [
            ("status", count(ARCHIVED)),
            ("audit entry", count(ARCHIVED_AUDIT)),
            ("action", count(ARCHIVED_ACTIONS)),
        ];
        let action = [("action", count(ACTIONS))];
        let entries = self.entries();
        for ((write, key), told) in entries.iter() {
            let parts: &[(&str, HashMap<String, usize>)] = match write {
                Write::Project => &project,
                Write::Archiving => &archiving,
                Write::Action => &action,
            };
            let found: Vec<usize> =
                parts.iter().map(|(_, counts)| counts.get(key).copied().unwrap_or(0)).collect();
            let once = found.iter().all(|n| *n == 1);
            let never = found.iter().all(|n| *n == 0);
            let right = match told {
                Told::Done => once,
                Told::Refused => never,
                Told::Uncertain => once || never,
            };
            if !right {
                let found: Vec<String> =
                    parts.iter().zip(&found).map(|((part, _), n)| format!("{part} {n}×")).collect();
                misses.push(format!("{write:?} {key:?} was told {told:?}, found {}", found.join(", ")));
            }
        }
        let acknowledged = entries.values().filter(|told| **told == Told::Done).count();
        Finding { writes: entries.len(), acknowledged, misses }
    }
}
