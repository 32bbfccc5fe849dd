//! The assistant: what it reads, its pages, and who gets to see what.

mod drafts;
mod keeping;
mod sentences;
mod start;
