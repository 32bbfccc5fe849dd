//! People who can sign in: owners, who see what is theirs, and admins, who manage everything.
//!
//! A user is never deleted here: deleting the row would take containers, projects and chat along.
//! Deactivating ends every session at once and can be taken back.

pub mod commands;
mod email;
mod model;
pub mod queries;

pub use email::{Email, address_spellings, domain_spellings};
pub use model::{Role, Theme, UserName, display_name, is_deceptive, zone_named};
