//! What the console does by itself, for admins.

pub mod jobs;
pub mod show;
