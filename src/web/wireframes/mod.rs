//! Sketches of an app's screens, behind addresses that nobody guesses.

pub mod show;
