//! The record of what happened: actions, events and audit entries on one timeline.

mod principal;
mod stub;

pub use principal::{Origin, Principal};
pub use stub::{Act, ActionType, NewAction, Target, audit, track};
