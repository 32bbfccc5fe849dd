//! The record: what is tracked, and what the timeline shows of it.

mod api;
mod detail;
mod filters;
mod flatness;
mod insights;
mod rollup;
mod table;
mod timeline;
pub mod tracker;
mod upkeep;
mod world;
