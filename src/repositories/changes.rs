//! Which files a push changed.

use gix::ObjectId;
use gix::bstr::BStr;
use gix::diff::tree::{Recorder, State, Visit, visit};
use gix::objs::TreeRefIter;

use super::history::{Before, Repository, text};
use super::pushes::Push;

/// Paths that are listed; more are only counted.
const LONGEST_LIST: usize = 200;

/// Entries of trees that are looked at for one push. Directories that are shared many times over make billions
/// of files out of a few kilobytes.
const MOST_ENTRIES: usize = 500_000;

/// Files that differ between two trees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Changes {
    /// How many there are; as far as they were counted when `is_more`.
    pub count: usize,
    /// Whether there are more.
    pub is_more: bool,
    /// Paths of the first of them, sorted.
    pub paths: Vec<String>,
}

impl Repository {
    /// Files that differ between the parent of the push's oldest commit and its head: added, changed or
    /// removed; a renamed file counts as both. None when that can't be told, because a shallow or partial
    /// clone lacks one of the trees.
    pub(super) fn changes(&self, push: &Push<'_>, state: &mut State) -> Option<Changes> {
        let before = match push.oldest.before {
            Before::CutOff => return None,
            Before::Nothing => Vec::new(),
            Before::Commit(parent) => self.tree(parent)?,
        };
        let after = self.tree(push.head.id)?;
        let kind = self.git.object_hash();
        let mut counter = Counter::default();
        let walked = gix::diff::tree(
            TreeRefIter::from_bytes(&before, kind),
            TreeRefIter::from_bytes(&after, kind),
            state,
            &self.git.objects,
            &mut counter,
        );
        let Counter { mut changes, .. } = counter;
        if walked.is_err() && !changes.is_more {
            return None;
        }
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
    entries: usize,
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
        self.entries += 1;
        if self.entries > MOST_ENTRIES {
            self.changes.is_more = true;
            return visit::Action::Break(());
        }
        if !change.entry_mode().is_tree() {
            self.changes.count += 1;
            if self.changes.paths.len() < LONGEST_LIST {
                self.changes.paths.push(text(self.path.path()));
            }
        }
        visit::Action::Continue(())
    }
}
