//! Whether the database is as requests need it: asked by one at a time, and kept for a moment.
//!
//! The catalog is dear to read, and whoever balances load asks from many places. A good answer is kept for two
//! seconds, a bad one for a quarter of one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Actor, Db, DbError, drift, migrations};

const GOOD_FOR: Duration = Duration::from_secs(2);
const BAD_FOR: Duration = Duration::from_millis(250);

/// What the database said of itself.
#[derive(Debug, Clone)]
pub struct State {
    /// Migrations that have not run.
    pub pending: Vec<String>,
    /// What differs from what the migrations make.
    pub drift: Vec<String>,
    /// Whether requests fail because of either.
    pub is_broken: bool,
    /// What does not hold requests up, but has to be seen to.
    pub notes: Vec<String>,
}

/// Reads the notes of a database that is as requests need it.
pub type ReadNotes = fn(&mut diesel::PgConnection) -> diesel::QueryResult<Vec<String>>;

/// Nothing when the database could not be asked.
type Answer = Option<State>;

/// The answer of a moment, shared by all who ask. See the module.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<Option<(Instant, Answer)>>>);

impl Readiness {
    /// The state of `db`; nothing when it can't be asked.
    pub async fn of(&self, db: &Db, notes: ReadNotes) -> Answer {
        // Whoever comes meanwhile waits here, and finds the answer.
        let mut kept = self.0.lock().await;
        if let Some((until, answer)) = &*kept
            && Instant::now() < *until
        {
            return answer.clone();
        }
        let answer = ask(db, notes).await;
        let is_good = answer.as_ref().is_some_and(|state| !state.is_broken);
        *kept = Some((Instant::now() + if is_good { GOOD_FOR } else { BAD_FOR }, answer.clone()));
        answer
    }
}

async fn ask(db: &Db, notes: ReadNotes) -> Answer {
    let read = move |conn: &mut diesel::PgConnection| {
        let pending = migrations::pending(conn)?;
        // What a migration that has not run would make differs, of course.
        let findings = if pending.is_empty() { drift::findings(conn)? } else { Vec::new() };
        let is_broken = !pending.is_empty() || findings.iter().any(drift::Finding::is_broken);
        let notes = if is_broken { Vec::new() } else { notes(conn)? };
        Ok((pending, findings, is_broken, notes))
    };
    let asked: Result<_, DbError> = db.read(&Actor::Gate, read).await;
    let (pending, findings, is_broken, notes) = asked.ok()?;
    Some(State { is_broken, notes, drift: findings.iter().map(ToString::to_string).collect(), pending })
}
