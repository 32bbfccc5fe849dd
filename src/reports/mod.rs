//! What programs report: activities, events with a life, and the records that references point to. Each is written in
//! one transaction with who reported it and the answer that a retry gets.

pub mod actions;
pub mod events;
pub mod feed;
pub mod idempotency;
pub mod insights;
pub mod operated;
pub mod records;
pub mod silence;
