//! One story is one entry: what one request, deployment, push, commit or database left on a page stands together.
//!
//! Only rows of the page fold, so that no row moves to another page, and each stays exactly once and on its day. A
//! group stands where its newest action stands (its newest row, without one), and what folds under it keeps its order:
//! the headings read newest first. Chains tie (a push and its deployment by their commit, the deployment and its
//! container session by the deployment), within bounds that keep a story from swallowing a project's page.
//! Rows that say the same one after the other fold as well, unless they failed or still go on.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::day::day_of;
use super::entry::{Entry, Fold};
use crate::activity::position::Source;
use crate::activity::sentence::Part;
use crate::activity::status::Outcome;

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
/// Rows that say the same from which on they fold: two take no more room than their fold.
const SHORTEST_RUN: usize = 3;

/// Puts what belongs together on a day of `zone` under one entry of it. Takes and answers them newest first.
pub(super) fn fold(entries: Vec<Entry>, zone: Tz) -> Vec<Entry> {
    runs(related(entries, zone), zone)
}

fn related(entries: Vec<Entry>, zone: Tz) -> Vec<Entry> {
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

/// Puts rows that say the same under the newest of them.
fn runs(entries: Vec<Entry>, zone: Tz) -> Vec<Entry> {
    let mut folded: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut rest = entries.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut run = vec![first];
        while let Some(next) =
            rest.next_if(|next| run.first().is_some_and(|first| says_same(first, next, zone)))
        {
            run.push(next);
        }
        if run.len() < SHORTEST_RUN {
            folded.extend(run);
            continue;
        }
        let mut run = run.into_iter();
        if let Some(mut heading) = run.next() {
            for mut entry in run {
                let own = std::mem::take(&mut entry.folded);
                heading.folded.push(entry);
                heading.folded.extend(own);
            }
            heading.fold = Fold::Run;
            folded.push(heading);
        }
    }
    folded
}

/// Whether nothing but their times and references tells two rows apart.
fn says_same(a: &Entry, b: &Entry, zone: Tz) -> bool {
    let is_over = |entry: &Entry| {
        entry.status.as_ref().is_none_or(|s| matches!(s.outcome(), Outcome::Good | Outcome::Unknown))
            && entry.folded.iter().all(|inner| inner.is_twin_of(entry))
    };
    a.kind == b.kind
        && a.sentence == b.sentence
        && a.details == b.details
        && a.status == b.status
        && a.environment == b.environment
        && a.moment.oddity == b.moment.oddity
        && is_over(a)
        && is_over(b)
        && day_of(a.moment.ms, zone) == day_of(b.moment.ms, zone)
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
