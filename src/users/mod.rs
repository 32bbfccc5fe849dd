//! People who can sign in: owners, who see what is theirs, and admins, who manage everything.
//!
//! A user is never deleted here: deleting the row would take containers, projects and chat along.
//! Deactivating ends every session at once and can be taken back.

pub mod commands;
mod model;
pub mod queries;

pub use model::{UserName, zone_named};
pub use queries::address_spellings;
