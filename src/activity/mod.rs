//! The record of what happened: actions, events, audit entries and what engines saw, on one timeline.
//!
//! Writing
//! - [`track`] records a [`NewAction`] in the caller's transaction and never fails it; [`tally()`] counts what went
//!   wrong. [`spool::keep_files_in`] is called once at start, [`spool::retry`] now and then by a job.
//!
//! Reading
//! - [`timeline::page`] answers a [`TimelinePage`] for a [`Scope`] and a [`Filter`] (read from an address by
//!   [`Filter::parse`]); [`TimelinePage::days`] groups it. An [`Entry`] has its key, [`sentence::Part`]s, status,
//!   references and what is folded under it. `older` and `newer` are positions for `before` and `after`.
//! - [`detail::action`], [`detail::event`], [`detail::observation`] and [`detail::audit_entry`] answer one record with its thread.
//! - [`whole_thread::of`] answers a page of all that goes back to one first cause.
//! - [`reference_target::of`] answers what a [`Reference`] points to; its page of entries is [`timeline::page`] with
//!   [`Filter::reference`](filter::Filter::reference) set.
//! - [`options::Options::of_page`] says what a page's filters offer, [`options::all`] all that there is to choose.
//! - [`listing::actions`] answers rows for the activities API.
//! - [`exports::begin`] records an export; [`timeline::exported`] and [`exported_audit`] read it, batch by batch.
//! - [`deployed::of_project`] answers what runs in each environment.
//! - [`daily::of_project`] and [`daily::of_everything`] answer how much happened on each day, from what
//!   [`rollup::keep`] has counted; a job calls that.
//! - [`upkeep::STEPS`] hold what triggers keep against the rows that it is kept of.
//!
//! Words: [`ActionType`] and [`EventType`] are closed lists with an `Other`; a new variant compiles only
//! with all of its facts. No part of this knows HTTP, HTML or addresses.

mod action_type;
pub mod changes;
pub mod daily;
pub mod deployed;
pub mod detail;
pub mod durations;
mod engine_event_type;
mod event_type;
pub mod exported_audit;
pub mod exports;
pub mod fill;
pub mod filter;
pub mod listing;
pub mod lookup;
mod new_action;
pub mod options;
mod position;
pub mod reference_target;
pub mod rollup;
pub mod sentence;
pub mod silence;
pub mod spool;
mod status;
pub mod stored;
mod tally;
pub mod thread;
pub mod timeline;
mod tracker;
pub mod upkeep;
pub mod whole_thread;

pub use action_type::{ActionFacts, ActionType};
pub use engine_event_type::{EngineEventFacts, EngineEventType};
pub use event_type::{EventFacts, EventType};
pub use filter::{Filter, Reference};
pub use new_action::NewAction;
pub use position::{Direction, NotACursor, Source, TimelineCursor};
pub use status::{ACTION_STATUSES, EVENT_STATUSES, Environment, FAILED, Outcome, Status};
pub use tally::{Tally, tally};
pub use timeline::{
    Entry, EntryKind, Gap, Item, Moment, Oddity, ProjectName, ProjectState, Scope, TimelinePage,
};
pub use tracker::track;
