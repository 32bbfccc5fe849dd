//! The assistant: what it reads, its pages, and who gets to see what.

mod api;
mod crm;
mod drafts;
mod intake;
mod keeping;
mod providers;
mod sentences;
mod start;
