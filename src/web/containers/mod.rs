//! A container's pages.

pub mod export;
pub mod head;
pub mod index;
pub mod logs;
pub mod show;
pub mod verb;
