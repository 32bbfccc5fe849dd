//! The audit log: who did what in the console. Written with each act ([`record()`], [`record_change`]), without the
//! secrets in what changed ([`redaction`]); what only admins may read of it is in [`columns`].

mod action;
pub mod columns;
mod record;
pub mod redaction;

pub use action::{AuditAction, AuditActionFacts};
pub use record::{Target, record, record_change};
