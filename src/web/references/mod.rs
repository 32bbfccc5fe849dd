//! The page of one reference: everything that carries it, and the record behind it.

pub mod show;
