//! An owner's own link for others.

pub mod show;
