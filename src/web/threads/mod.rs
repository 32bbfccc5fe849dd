//! From first cause to last effect.

pub mod show;
