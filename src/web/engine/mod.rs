//! The container engine's pages, for admins.

pub mod decide;
pub mod show;
