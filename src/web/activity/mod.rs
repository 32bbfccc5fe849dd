//! The timeline's pages.

pub mod display;
