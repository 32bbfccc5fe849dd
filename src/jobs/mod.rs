//! What the console does by itself, beside requests: a runner in each instance works off the queue ([`crate::queue`]).
//!
//! To add a job:
//!
//! 1. A variant in `queue/kind.rs` with its stored word and label, and a schedule (a cron pattern with seconds, in UTC)
//!    if it is due by itself.
//! 2. A file here with `pub(super) fn run(context: &Context) -> Result<Outcome, JobError>`, and its line in `of_kind`
//!    with the longest that one turn may take.
//! 3. Whoever wants it done: `queue::enqueue(conn, &NewJob::of(Kind::X).keyed(…).with(json!({…})))` in the
//!    transaction of the act; or in a migration
//!    `INSERT INTO pilothouse.jobs (kind, key) VALUES ('fill_x', 'fill_x') ON CONFLICT DO NOTHING;`.
//!
//! A job that works through many rows does so in batches, each a short transaction, and keeps how far it has come in
//! the transaction of the batch. Killed at any moment, it goes on from there, here or at another instance:
//!
//! ```ignore
//! pub(super) fn run(context: &Context) -> Result<Outcome, JobError> {
//!     let mut from: Position = context.payload()?;   // `{}` at first: #[serde(default)]
//!     while !context.is_to_stop() {
//!         let next = context.db().write_blocking(&Actor::System, |conn| {
//!             let next = noun::fill_batch(conn, &from)?;          // None at the end
//!             context.keep(conn, &json!(next))?;                  // fails when the lease is lost
//!             Ok::<_, JobError>(next)
//!         })?;
//!         match next {
//!             Some(next) => from = next,
//!             None => return Ok(Outcome::Done),
//!         }
//!     }
//!     Ok(Outcome::Continue(json!(from)))   // the instance stops, or the turn is over: others go on
//! }
//! ```
//!
//! The lease is renewed by the runner. A job whose turn takes longer than its deadline is told to stop, loses its
//! lease, and is tried again: what may take hours answers [`Outcome::Continue`] now and then.

mod answer_message;
mod archive_log;
mod back_up;
mod carry_out_operation;
mod context;
mod copy_backups;
mod end_silent_events;
mod expire_conversations;
mod fill_timeline;
mod keep_funnel;
mod keep_insights;
mod make_container;
mod measure_tables;
mod move_entries;
mod observe_engine;
mod prove_backup;
mod prune_jobs;
mod prune_reports;
mod prune_samples;
mod publish_drafts;
mod record_spooled;
mod retain;
mod roll_up_activity;
mod runner;
mod send_opportunities;
mod turn;
mod work_off_delivery;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use context::{Context, JobError, Outcome};
pub use runner::{Job, Runner};

use crate::activity::spool;
use crate::app::App;
use crate::live;
use crate::queue::Kind;
use crate::queue::instance::Errand;
use archive_log::Archivist;
use observe_engine::Observer;

/// Starts the runner of this instance; dropping it ends it.
#[must_use]
pub fn start(app: App) -> Runner {
    let archivist = Mutex::new(Archivist::default());
    let observer = Mutex::new(Observer::new(&app));
    Runner::start(app, Kind::ALL.iter().filter_map(of_kind).collect())
        .with_errand(Errand::ReadSpoolFile, Duration::from_secs(5), |app| spool::read_in_file(&app.db))
        .with_errand(Errand::ArchiveLog, Duration::from_secs(5), move |app| {
            archivist.lock().unwrap_or_else(PoisonError::into_inner).tick(app)
        })
        .with_errand(Errand::LookForChanges, live::LOOK, |app| app.live.look(&app.db))
        .with_errand(Errand::ObserveEngine, Duration::from_millis(500), move |app| {
            observer.lock().unwrap_or_else(PoisonError::into_inner).tick(app)
        })
}

fn of_kind(kind: &Kind) -> Option<Job> {
    let in_minutes = Duration::from_mins;
    Some(match kind {
        // A container that takes its time to stop holds up no other.
        Kind::CarryOutOperation => {
            Job::new(kind.clone(), in_minutes(2), carry_out_operation::run).with_lanes(4)
        }
        Kind::AnswerMessage => Job::new(kind.clone(), in_minutes(2), answer_message::run).with_lanes(4),
        Kind::BackUp => Job::new(kind.clone(), in_minutes(360), back_up::run),
        // A bucket that does not answer holds up no other.
        Kind::CopyBackups => Job::new(kind.clone(), in_minutes(360), copy_backups::run).with_lanes(3),
        Kind::EndSilentEvents => Job::new(kind.clone(), in_minutes(10), end_silent_events::run),
        Kind::ExpireConversations => Job::new(kind.clone(), in_minutes(10), expire_conversations::run),
        Kind::FillTimeline => Job::new(kind.clone(), in_minutes(10), fill_timeline::run),
        Kind::MeasureTables => Job::new(kind.clone(), in_minutes(10), measure_tables::run),
        Kind::KeepFunnel => Job::new(kind.clone(), in_minutes(60), keep_funnel::run),
        Kind::KeepInsights => Job::new(kind.clone(), in_minutes(60), keep_insights::run),
        // A large image takes its time.
        Kind::MakeContainer => Job::new(kind.clone(), in_minutes(60), make_container::run).with_lanes(3),
        Kind::MoveEntries => Job::new(kind.clone(), in_minutes(10), move_entries::run),
        Kind::ProveBackup => Job::new(kind.clone(), in_minutes(360), prove_backup::run),
        Kind::PruneJobs => Job::new(kind.clone(), in_minutes(10), prune_jobs::run),
        Kind::PruneReports => Job::new(kind.clone(), in_minutes(10), prune_reports::run),
        Kind::PruneSamples => Job::new(kind.clone(), in_minutes(10), prune_samples::run),
        Kind::PublishDrafts => Job::new(kind.clone(), in_minutes(30), publish_drafts::run),
        Kind::RecordSpooled => Job::new(kind.clone(), in_minutes(10), record_spooled::run),
        Kind::Retain => Job::new(kind.clone(), in_minutes(60), retain::run),
        Kind::RollUpActivity => Job::new(kind.clone(), in_minutes(60), roll_up_activity::run),
        Kind::SendOpportunities => Job::new(kind.clone(), in_minutes(10), send_opportunities::run),
        Kind::WorkOffDelivery => Job::new(kind.clone(), in_minutes(10), work_off_delivery::run),
        Kind::Other(_) => return None,
    })
}
