//! The record of what happened: actions, events and audit entries on one timeline.

mod act;
mod action_type;
pub mod audit;
pub mod detail;
mod event_type;
pub mod filter;
pub mod lookup;
pub mod options;
mod position;
mod principal;
pub mod record;
pub mod sentence;
pub mod spool;
mod status;
pub mod timeline;
mod tracker;
mod vocabulary;

pub use act::{Act, ActFacts};
pub use action_type::{ActionFacts, ActionType};
pub use audit::Target;
pub use event_type::{EventFacts, EventType};
pub use filter::{Filter, Reference};
pub use position::{Direction, NotACursor, Source, TimelineCursor};
pub use principal::{Origin, Principal};
pub use status::{ACTION_STATUSES, EVENT_STATUSES, Environment, Outcome, Status, StatusBadge};
pub use timeline::{
    Entry, EntryKind, Gap, Item, Moment, Oddity, ProjectName, ProjectState, Scope, TimelinePage,
};
pub use tracker::{NewAction, Tally, tally, track};
pub use vocabulary::{Group, humanised};
