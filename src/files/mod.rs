//! Files of projects, as the `file_storage` table describes them: paths, sizes, types and times. What is in
//! them is stored elsewhere.
//!
//! A path is read as it stands: `/` parts it, and everything else, dots and backslashes too, is part of a
//! name. So no path leads anywhere but to its own place in the tree.

mod directory;
pub mod listing;
pub mod queries;

pub use directory::Directory;
