//! What the counts say, as pages: of everything that the viewer may see, and of one project.

pub mod drawings;
pub mod export;
pub mod rows;
pub mod show;
