//! A container's pages.

pub mod export;
pub mod figures;
pub mod head;
pub mod index;
pub mod logs;
pub mod runs;
pub mod show;
pub mod verb;
