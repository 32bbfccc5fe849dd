//! The assistant: what it reads, its pages, and who gets to see what.

mod api;
mod drafts;
mod intake;
mod keeping;
mod sentences;
mod start;
