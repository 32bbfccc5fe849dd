//! One story is one entry: what one request, deployment, push, commit or database left on a page stands together.
//!
//! Only rows of the page fold, so that no row moves to another page, and each stays exactly once and on its day. A
//! group stands where its newest action stands (its newest row, without one), and what folds under it keeps its order:
//! the headings read newest first. Chains tie (a push and its deployment by their commit, the deployment and its
//! container session by the deployment), within bounds that keep a story from swallowing a project's page.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::day::day_of;
use super::entry::Entry;
use crate::activity::position::Source;
use crate::activity::sentence::Part;

/// References that tie records of one story together, the most telling first. Others, like a branch or an app,
/// would tie a whole project.
pub(in crate::activity) const TYING: [&str; 4] =
    ["deployment_id", "github_push_id", "commit_sha", "database_id"];
/// A value that more rows of a page carry is no story, but something like a branch.
const MOST_CARRIERS: usize = 8;
/// Likewise of a request: a worker may call all that it does by one name.
const MOST_OF_A_REQUEST: usize = 20;
/// Rows of a group at most.
const MOST_TOGETHER: usize = 10;
/// Puts related entries of a day of `zone` under one of them. Takes and answers them newest first.
pub(super) fn related(entries: Vec<Entry>, zone: Tz) -> Vec<Entry> {
    let groups = Groups::of(&entries, zone);
    let mut headings: HashMap<usize, usize> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let group = groups.home(at);
        let heading = headings.entry(group).or_insert(at);
        if entry.source() == Source::Action
            && entries.get(*heading).is_some_and(|e| e.source() != Source::Action)
        {
            *heading = at;
        }
    }
    let mut kept: BTreeMap<usize, Entry> = BTreeMap::new();
    let mut folded: Vec<(usize, Entry)> = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        match headings.get(&groups.home(at)) {
            Some(heading) if *heading != at => folded.push((*heading, entry)),
            _ => {
                kept.insert(at, entry);
            }
        }
    }
    for (heading, entry) in folded {
        if let Some(act) = kept.get_mut(&heading) {
            take_name(act, &entry);
            act.folded.push(entry);
        }
    }
    kept.into_values().collect()
}

/// Which rows belong together: each row's group is named by one of its rows.
struct Groups {
    home: Vec<usize>,
    days: Vec<NaiveDate>,
}

impl Groups {
    fn of(entries: &[Entry], zone: Tz) -> Self {
        let days = entries.iter().map(|entry| day_of(entry.moment.ms, zone)).collect();
        let mut groups = Self { home: (0..entries.len()).collect(), days };
        for carriers in carriers(entries) {
            for pair in carriers.windows(2) {
                if let [a, b] = pair {
                    groups.unite(*a, *b);
                }
            }
        }
        groups
    }

    fn home(&self, at: usize) -> usize {
        self.home.get(at).copied().unwrap_or(at)
    }

    /// A page has a hundred rows at most: looking at each is cheap.
    fn unite(&mut self, a: usize, b: usize) {
        let is_one_day = self.days.get(a) == self.days.get(b);
        let (a, b) = (self.home(a), self.home(b));
        let together = self.home.iter().filter(|home| **home == a || **home == b).count();
        if a == b || !is_one_day || together > MOST_TOGETHER {
            return;
        }
        for home in &mut self.home {
            if *home == b {
                *home = a;
            }
        }
    }
}

/// The rows that carry each tie, newest first; the ties that tell most come first, and then the newest.
fn carriers(entries: &[Entry]) -> Vec<Vec<usize>> {
    let mut by_tie: HashMap<(usize, &str, Option<&str>), Vec<usize>> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Some(request) = &entry.request_id {
            by_tie.entry((0, request, None)).or_default().push(at);
        }
        // The same commit of two projects is two stories.
        let project = entry.project.as_ref().map(|project| project.id.as_str());
        for reference in &entry.references {
            if let Some(rank) = TYING.iter().position(|key| *key == reference.key) {
                let carriers = by_tie.entry((rank + 1, &reference.value, project)).or_default();
                if carriers.last() != Some(&at) {
                    carriers.push(at);
                }
            }
        }
    }
    let mut ties: Vec<_> = by_tie.into_iter().collect();
    ties.retain(|((rank, _, _), carriers)| {
        let most = if *rank == 0 { MOST_OF_A_REQUEST } else { MOST_CARRIERS };
        (2..=most).contains(&carriers.len())
    });
    ties.sort_by(|((a, _, _), first), ((b, _, _), second)| (a, first).cmp(&(b, second)));
    ties.into_iter().map(|(_, carriers)| carriers).collect()
}

/// An audit entry knows what a user was called whom the viewer may not see, and that they acted as an admin.
pub(in crate::activity) fn take_name(act: &mut Entry, audit: &Entry) {
    let same = act.actor.user.is_some() && act.actor.user == audit.actor.user;
    if audit.source() != Source::Audit || !same {
        return;
    }
    act.actor.is_admin = audit.actor.is_admin;
    if !act.actor.exists {
        let name = audit.actor.name.clone();
        for part in &mut act.sentence {
            if let Part::Actor(actor) = part {
                actor.name.clone_from(&name);
            }
        }
        act.actor.name = name;
    }
}
