//! The first page: what runs, what failed, what happened.

pub mod show;
