//! The assistant's pages, which need no account.

pub mod claim;
pub mod delete;
pub mod draft;
pub mod messages;
pub mod show;
mod visit;

pub use visit::Visit;
