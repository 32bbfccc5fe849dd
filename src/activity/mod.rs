//! The record of what happened: actions, events and audit entries on one timeline.

mod principal;

pub use principal::{Origin, Principal};
