//! Work that runs by itself: jobs that wait for an instance, and the schedules that ask for them.
//!
//! A command enqueues in its own transaction, so that a job exists exactly when the act that asked for it stands. An
//! instance claims a job for the length of a lease and writes what came of it under that claim; no transaction is open
//! while it works. When it dies, the lease runs out and another instance takes over. So a job may run twice, and is
//! written such that this is harmless.
//!
//! All times are the database's, which every instance shares.

/// Whether a job is in a state. It stands in the statement's text: a partial index answers for no value that is bound.
macro_rules! is_in {
    ($state:literal) => {
        diesel::dsl::sql::<diesel::sql_types::Bool>(concat!("jobs.state = '", $state, "'"))
    };
}

pub mod claims;
pub mod commands;
pub mod instance;
mod kind;
pub mod leases;
pub mod queries;
pub mod schedules;

pub use commands::{NewJob, RunAgainError, enqueue, enqueue_anew, run_again};
pub use kind::{Kind, KindFacts};
