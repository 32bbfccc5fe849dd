//! Setting a password by a one-time link.

pub mod edit;
