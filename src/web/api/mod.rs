//! How programs use the console.

pub mod show;
