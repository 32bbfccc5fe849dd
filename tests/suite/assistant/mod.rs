//! The assistant: what it reads, its pages, and who gets to see what.

mod api;
mod crm;
pub mod drafts;
mod intake;
mod keeping;
mod pages;
mod providers;
mod sentences;
mod start;
