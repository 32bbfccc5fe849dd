//! The assistant: what a visitor says becomes a description of a project, one question at a time.
//!
//! `reading` finds what a message says, `slots` holds what is known and decides what to ask next, `writing` makes a draft of
//! it; `conversation` is what is stored, `commands` what people do.

pub mod answering;
pub mod commands;
pub mod conversation;
mod drafting;
pub mod explaining;
pub mod listing;
pub mod provider;
pub mod queries;
pub mod reading;
pub mod record;
pub mod remote;
pub mod slots;
pub mod writing;
