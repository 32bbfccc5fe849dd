//! Actions that could not be recorded: kept, retried, and in the end counted as a gap.
//!
//! First in a table without constraints, in the transaction of the act itself. When the database is too full for
//! that, the act is refused. When the table refuses for another reason, the action is kept after the commit: in the
//! table once more, or in a file, written through to the disk, which each instance reads in by itself
//! ([`read_in_file`]). [`retry`] moves what the table has into the record under the id and the time that it always had,
//! so that no order of crashes and retries records one twice.

pub mod file;

use diesel::prelude::*;
use serde_json::Value;

use file::Taken;
pub use file::keep_files_in;

use super::NewAction;
use super::tally::{count_filed, count_lost, count_spooled};
use crate::db::schema::{action_spool, recording_gaps};
use crate::db::{Actor, Db, DbError, after_commit, refuse_commit};

/// How often an action is tried before it becomes a gap.
const ATTEMPTS: i32 = 10;
/// Actions that one transaction retries.
const BATCH: u32 = 100;

/// Keeps `action`, whose insert failed for `reason`, in the transaction of the act that it tells of: there is no
/// moment at which a process that is killed could leave the act without it.
pub(super) fn keep_with_act(conn: &mut PgConnection, action: NewAction, reason: String) {
    // Inside a transaction this is a savepoint.
    let kept =
        conn.transaction(|conn| insert(conn, &payload(&action), &action.action_id, &reason).map(|_| ()));
    match kept {
        Ok(()) => after_commit(conn, |_| count_spooled()),
        Err(error) => {
            tracing::error!(action = action.action_id, %error, "an action can't be kept with its act");
            match DbError::from(error) {
                // Full, or going away: what can't be put on record now is not done now.
                DbError::Unavailable(reason) => refuse_commit(conn, reason),
                // Never before the commit: an act that is rolled back must leave no record.
                _ => after_commit(conn, move |db| keep(db, &action, &reason)),
            }
        }
    }
}

/// Keeps `action`, whose insert failed for `reason`, in a transaction of its own until a retry.
pub fn keep(db: &Db, action: &NewAction, reason: &str) {
    let kept: Result<(), DbError> = db.write_blocking(&Actor::System, |conn| {
        insert(conn, &payload(action), &action.action_id, reason)?;
        Ok(())
    });
    let Err(error) = kept else {
        count_spooled();
        return;
    };
    tracing::error!(action = action.action_id, %error, "the spool table takes no action; a file has to");
    match file::directory().map(|directory| file::append(&directory, action)) {
        Some(Ok(())) => count_filed(),
        Some(Err(error)) => {
            count_lost(1);
            tracing::error!(action = action.action_id, %error, "an action is lost");
        }
        None => {
            count_lost(1);
            tracing::error!(
                action = action.action_id,
                "an action is lost: no directory was named for a file"
            );
        }
    }
}

fn payload(action: &NewAction) -> Value {
    serde_json::to_value(action).unwrap_or_default()
}

fn insert(conn: &mut PgConnection, payload: &Value, id: &str, reason: &str) -> QueryResult<usize> {
    diesel::insert_into(action_spool::table)
        .values((
            action_spool::action_id.eq(id),
            action_spool::payload.eq(payload),
            action_spool::last_error.eq(reason),
        ))
        .execute(conn)
}

/// What one [`retry`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retried {
    /// In the record now, by this retry or an earlier one.
    pub recorded: usize,
    pub waiting: usize,
    /// Given up: each is counted in `pilothouse.recording_gaps`.
    pub lost: usize,
}

impl Retried {
    /// Whether it was a whole batch that led somewhere, so that the next one may as well.
    #[must_use]
    pub fn may_go_on(&self) -> bool {
        self.recorded > 0 && self.recorded + self.waiting + self.lost >= BATCH as usize
    }
}

/// Tries to record what the table has: a batch of the oldest. Idempotent, and safe to run from several processes.
///
/// # Errors
/// When the database can't be asked; everything stays kept.
pub fn retry(db: &Db) -> Result<Retried, DbError> {
    db.write_blocking(&Actor::System, |conn| {
        let kept: Vec<(Option<String>, Option<Value>, Option<i32>)> = action_spool::table
            .select((action_spool::action_id, action_spool::payload, action_spool::attempts))
            .order((action_spool::attempts.asc(), action_spool::spooled_at.asc()))
            .limit(i64::from(BATCH))
            .for_update()
            .skip_locked()
            .load(conn)?;
        let mut retried = Retried::default();
        for (id, payload, attempts) in kept {
            match record(conn, payload.as_ref()) {
                Ok(()) => {
                    forget(conn, id.as_deref(), payload.as_ref())?;
                    retried.recorded += 1;
                }
                Err(Refusal::Passing) => retried.waiting += 1,
                Err(Refusal::Lasting(reason)) if attempts.unwrap_or(0) + 1 >= ATTEMPTS => {
                    give_up(conn, payload.as_ref(), &reason)?;
                    forget(conn, id.as_deref(), payload.as_ref())?;
                    retried.lost += 1;
                }
                Err(Refusal::Lasting(reason)) => {
                    count_attempt(conn, id.as_deref(), payload.as_ref(), attempts.unwrap_or(0) + 1, &reason)?;
                    retried.waiting += 1;
                }
            }
        }
        Ok(retried)
    })
    .inspect(|retried: &Retried| count_lost(retried.lost as u64))
}

/// What keeps an action out of the record.
enum Refusal {
    /// The database's state, which passes and so must not count against the action.
    Passing,
    /// Something about the action.
    Lasting(String),
}

fn record(conn: &mut PgConnection, payload: Option<&Value>) -> Result<(), Refusal> {
    let payload = payload.cloned().ok_or_else(|| Refusal::Lasting("nothing was kept".to_owned()))?;
    let action: NewAction =
        serde_json::from_value(payload).map_err(|error| Refusal::Lasting(error.to_string()))?;
    conn.transaction(|conn| action.insert(conn)).map_err(|error| match DbError::from(error) {
        DbError::Unavailable(_) | DbError::ReadOnly => Refusal::Passing,
        error => Refusal::Lasting(error.to_string()),
    })
}

/// The spool has no key: whoever writes into it names its rows.
macro_rules! same {
    ($id:expr, $payload:expr) => {
        action_spool::action_id
            .is_not_distinct_from($id)
            .and(action_spool::payload.is_not_distinct_from($payload))
    };
}

fn count_attempt(
    conn: &mut PgConnection,
    id: Option<&str>,
    payload: Option<&Value>,
    attempts: i32,
    reason: &str,
) -> QueryResult<usize> {
    diesel::update(action_spool::table)
        .filter(same!(id, payload))
        .set((action_spool::attempts.eq(attempts), action_spool::last_error.eq(reason)))
        .execute(conn)
}

fn forget(conn: &mut PgConnection, id: Option<&str>, payload: Option<&Value>) -> QueryResult<usize> {
    diesel::delete(action_spool::table).filter(same!(id, payload)).execute(conn)
}

fn give_up(conn: &mut PgConnection, payload: Option<&Value>, reason: &str) -> QueryResult<usize> {
    tracing::error!(payload = payload.map(ToString::to_string), reason, "an action is lost");
    let text = |name: &str| payload.and_then(|payload| payload.get(name)?.as_str().map(str::to_owned));
    let at = payload.and_then(|payload| payload.get("created_at")?.as_i64()).unwrap_or(0);
    diesel::insert_into(recording_gaps::table)
        .values((
            recording_gaps::project_id.eq(text("project_id")),
            recording_gaps::from_ms.eq(at),
            recording_gaps::to_ms.eq(at),
            recording_gaps::reason.eq("An action could not be recorded."),
        ))
        .execute(conn)
}

/// Moves the lines of this instance's file, if there is one, into the spool table. The file is renamed first, so that what is kept meanwhile
/// goes into a new one; it is removed once the table has it all. A crash in between reads it again, which is
/// harmless: ids do not change.
///
/// # Errors
/// When file or table can't be used; everything stays kept.
pub fn read_in_file(db: &Db) -> Result<(), FileError> {
    let Some(directory) = file::directory() else { return Ok(()) };
    let Some(taken) = Taken::from(&directory)? else { return Ok(()) };
    db.write_blocking(&Actor::System, |conn| {
        for line in taken.lines() {
            let id = line.get("action_id").and_then(Value::as_str).unwrap_or_default();
            insert(conn, line, id, "the database was gone")?;
        }
        Ok::<(), DbError>(())
    })?;
    Ok(taken.remove()?)
}

/// Why the file was not read in.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system's reason.
    #[error("the file of actions that were kept back can't be used: {0}")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Database(#[from] DbError),
}
