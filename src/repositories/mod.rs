//! Git repositories on this machine: reading their history and recording it as pushes.
//!
//! A repository does not know when it was pushed. A run of consecutive commits of the first-parent
//! history by one author, with at most half an hour between neighbours, counts as one push:
//! that is how a day's work reads on the timeline.
//!
//! **Repeatable.** Ids are derived from the project and the push's newest commit, so the same history
//! always leads to the same rows, and a run that was cut off is completed by the next one.
//!
//! **Growing.** A commit that a recorded push ends with stays the end of that push. When more commits
//! follow within the pause, they become a push of their own instead of a second push that would hold the
//! old commits again. The same when `.mailmap` changes: what is on record keeps its commits. Rewritten history is recorded beside the old: a record says what was there.

//!
//! **Hostile.** A repository is somebody else's: nothing outside of the named path is read (`boundary`), objects,
//! entries and histories are bounded (`history`, `changes`), and what is damaged is left out (`commit`) and told
//! by the summary.

mod authors;
mod boundary;
mod changes;
mod commit;
mod heads;
mod history;
mod import;
mod pushes;
mod queries;
mod remote;

pub use history::{End, ReadError, Repository, Source};
pub use import::{ImportError, LeftOut, Progress, Summary, import};
