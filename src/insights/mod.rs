//! How much of what happened, how it ended, how long it took, what it cost and how long containers ran: read from counts
//! that a job keeps ([`rollup`]), so that a page costs the same at any number of rows.

pub mod queries;
pub mod range;
pub mod rollup;
pub mod runs;

pub use range::Range;

/// Whose counts are read; row-level security decides beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Of the whole instance, for admins.
    Everything,
    /// Of all projects of the viewer.
    Own,
    Project(crate::db::ids::ProjectId),
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub scope: Scope,
    pub range: Range,
    /// None is every environment; an empty word is what names none.
    pub environment: Option<String>,
}
