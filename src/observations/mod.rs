//! What engines show of containers: kept, compared with the records, and told where the two disagree.
//!
//! One instance observes ([`crate::queue::leases`]). Events make it quick; a sweep of all containers is the truth. Both
//! lead here, and what both saw is written once: an entry is known by the container, what happened, and when by the
//! engine's clock.

pub mod commands;
pub mod engines;
mod judge;
pub mod queries;
pub mod record;
pub mod runs;

pub use judge::{Ending, Verdict, asks_for_an_end};
