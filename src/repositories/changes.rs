//! Which files a push changed.

use gix::ObjectId;
use gix::bstr::BStr;
use gix::diff::tree::{Recorder, State, Visit, visit};
use gix::objs::TreeRefIter;

use super::commit::text;
use super::history::{Before, Repository};
use super::pushes::Push;

/// Paths that are listed, in number and in bytes; more are only counted.
const LONGEST_LIST: usize = 200;
const LARGEST_LIST: usize = 128 << 10;

/// Files and directories that are counted of one push. Directories that are each other's many times over
/// make 10¹⁰ files of a few hundred kilobytes.
const MOST_ENTRIES: usize = 1_000_000;

/// Bytes of the paths of directories that wait to be read.
const MOST_PATH_BYTES: usize = 64 << 20;

/// As [`MOST_ENTRIES`], of all pushes that a run records.
const MOST_ENTRIES_OF_A_RUN: usize = 100_000_000;

/// What is kept from one push to the next.
#[derive(Default)]
pub(super) struct Comparison {
    state: State,
    entries: usize,
}

/// Files that differ between two trees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Changes {
    /// How many there are.
    pub count: usize,
    /// Paths of the first of them, sorted.
    pub paths: Vec<String>,
}

impl Repository {
    /// Files that differ between the parent of the push's oldest commit and its head: added, changed or
    /// removed; a renamed file counts as both. None when that can't be told, because a shallow or partial
    /// clone lacks one of the trees, or because there are too many.
    pub(super) fn changes(&self, push: &Push<'_>, comparison: &mut Comparison) -> Option<Changes> {
        let before = match push.oldest.before {
            Before::CutOff => return None,
            Before::Nothing => Vec::new(),
            Before::Commit(parent) => self.tree(parent)?,
        };
        let after = self.tree(push.head.id)?;
        let kind = self.git.object_hash();
        let left = MOST_ENTRIES_OF_A_RUN.saturating_sub(comparison.entries);
        let mut counter = Counter { left: left.min(MOST_ENTRIES), ..Counter::default() };
        let outcome = gix::diff::tree(
            TreeRefIter::from_bytes(&before, kind),
            TreeRefIter::from_bytes(&after, kind),
            &mut comparison.state,
            &self.git.objects,
            &mut counter,
        );
        comparison.entries += counter.entries;
        outcome.ok()?;
        let Counter { mut changes, .. } = counter;
        changes.paths.sort_unstable();
        Some(changes)
    }

    fn tree(&self, commit: ObjectId) -> Option<Vec<u8>> {
        let mut tree = self.git.find_commit(commit).ok()?.tree().ok()?;
        Some(std::mem::take(&mut tree.data))
    }
}

/// Counts files while a difference is walked, and remembers the first paths. (A recorder keeps them all,
/// which for a vendored tree is a lot.)
#[derive(Default)]
struct Counter {
    path: Recorder,
    changes: Changes,
    list_bytes: usize,
    /// What was visited, directories too, and what more may be.
    entries: usize,
    left: usize,
    path_bytes: usize,
}

impl Visit for Counter {
    fn pop_front_tracked_path_and_set_current(&mut self) {
        self.path.pop_front_tracked_path_and_set_current();
    }

    fn push_back_tracked_path_component(&mut self, component: &BStr) {
        self.path.push_back_tracked_path_component(component);
    }

    fn push_path_component(&mut self, component: &BStr) {
        self.path.push_path_component(component);
    }

    fn pop_path_component(&mut self) {
        self.path.pop_path_component();
    }

    fn visit(&mut self, change: visit::Change) -> visit::Action {
        let path = self.path.path();
        self.entries += 1;
        if change.entry_mode().is_tree() {
            self.path_bytes += path.len();
        } else {
            self.changes.count += 1;
            self.list_bytes += path.len();
            if self.changes.paths.len() < LONGEST_LIST && self.list_bytes <= LARGEST_LIST {
                self.changes.paths.push(text(path));
            }
        }
        if self.entries > self.left || self.path_bytes > MOST_PATH_BYTES {
            return visit::Action::Break(());
        }
        visit::Action::Continue(())
    }
}
