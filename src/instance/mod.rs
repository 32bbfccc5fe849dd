//! The instance as a whole: how much of everything there is. Lists belong to the nouns themselves.

pub mod database;
pub mod queries;
