//! One box that finds everything.

pub mod show;
