//! Conversations with the builder, as the `chat_messages` table holds them.
//!
//! Messages belong to a container, and through it to the projects that run there. A conversation is the
//! messages of one `session_id`; those that name none make one of their own.

pub mod conversations;
pub mod knowing;
pub mod messages;
mod model;
pub mod saying;
pub mod search;

pub use model::{Attachment, Role};

/// When a message was sent, as SQL: always a time that a calendar holds. The indexes are on this expression, and
/// it is a CASE because an owner's bound on a COALESCE is never answered by an index.
const SENT_AT: &str = "GREATEST('0001-01-01 00:00:00+00'::timestamptz, \
     LEAST('9999-12-31 23:59:59.999999+00'::timestamptz, \
     CASE WHEN created_at IS NULL THEN '1970-01-01 00:00:00+00'::timestamptz ELSE created_at END))";
