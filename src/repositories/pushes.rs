//! Which commits were pushed together.

use std::collections::HashMap;

use chrono::TimeDelta;
use gix::ObjectId;

use super::history::Commit;

/// Longest time between two neighbouring commits of one push.
pub(super) const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(30);

/// The newest commits of pushes that are on record, with the number of commits of those that an import
/// recorded. Other programs' pushes don't tell.
pub(super) type Recorded = HashMap<ObjectId, Option<usize>>;

/// Cuts a history (oldest first) into pushes, each of one author and without a pause over
/// [`LONGEST_PAUSE`]. Pushes that are on record stay as they are, whoever their authors are by now.
pub(super) fn pushes<'a>(history: &'a [Commit], recorded: &Recorded) -> Vec<Push<'a>> {
    let mut joints = joints(history);
    let mut free = 0;
    for (at, commit) in history.iter().enumerate() {
        let Some(commits) = recorded.get(&commit.id) else { continue };
        // What others wrote may say anything: none is no number of commits.
        if let Some(commits) = commits.filter(|commits| *commits > 0) {
            let first = (at + 1).saturating_sub(commits).max(free);
            joints[first] = Joint::Cut;
            joints[first + 1..=at].fill(Joint::Held);
        }
        free = at + 1;
        joints[free] = Joint::Cut;
    }
    let mut cuts: Vec<usize> =
        (0..history.len()).filter(|at| *at == 0 || joints[*at] == Joint::Cut).collect();
    cuts.push(history.len());
    let runs = cuts.windows(2).filter_map(|cut| history.get(cut[0]..cut[1]));
    runs.filter_map(|commits| Some(Push { commits, oldest: commits.first()?, head: commits.last()? }))
        .collect()
}

/// What is between a commit and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    Held,
    Cut,
}

/// One before each commit, and one at the end.
fn joints(history: &[Commit]) -> Vec<Joint> {
    let pause = LONGEST_PAUSE.num_seconds().unsigned_abs();
    let held = |pair: &[Commit]| {
        pair[0].author == pair[1].author && pair[0].committed_at.abs_diff(pair[1].committed_at) <= pause
    };
    let between = history.windows(2).map(|pair| if held(pair) { Joint::Held } else { Joint::Cut });
    std::iter::once(Joint::Cut).chain(between).chain([Joint::Cut]).collect()
}

/// Commits that were pushed together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Push<'a> {
    /// Oldest first, never empty.
    pub commits: &'a [Commit],
    pub oldest: &'a Commit,
    /// The newest commit, which gives the push its id, its time and its message.
    pub head: &'a Commit,
}

#[cfg(test)]
mod tests {
    use super::super::history::Before;
    use super::*;

    /// Commits by author and minute, oldest first.
    fn history(commits: &[(usize, i64)]) -> Vec<Commit> {
        let id = |n: usize| ObjectId::from_hex(format!("{n:040x}").as_bytes()).unwrap();
        commits
            .iter()
            .enumerate()
            .map(|(n, (author, minute))| Commit {
                id: id(n),
                before: Before::Nothing,
                author: *author,
                committed_at: minute * 60,
            })
            .collect()
    }

    fn sizes(history: &[Commit], recorded: &[usize]) -> Vec<usize> {
        let recorded: Vec<_> = recorded.iter().map(|n| (*n, None)).collect();
        sizes_with(history, &recorded)
    }

    /// Each recorded push with its newest commit and the number of its commits.
    fn sizes_with(history: &[Commit], recorded: &[(usize, Option<usize>)]) -> Vec<usize> {
        let recorded = recorded.iter().map(|(n, commits)| (history[*n].id, *commits)).collect();
        pushes(history, &recorded).iter().map(|push| push.commits.len()).collect()
    }

    #[test]
    fn a_pause_of_thirty_minutes_holds_together_and_a_second_more_does_not() {
        let mut commits = history(&[(0, 0), (0, 30), (0, 60)]);
        assert_eq!(sizes(&commits, &[]), [3]);
        commits[1].committed_at -= 1;
        assert_eq!(sizes(&commits, &[]), [2, 1]);
    }

    #[test]
    fn another_author_starts_another_push() {
        assert_eq!(sizes(&history(&[(0, 0), (1, 1), (0, 2), (0, 3)]), &[]), [1, 1, 2]);
    }

    #[test]
    fn a_clock_that_went_back_counts_as_a_pause_of_that_length() {
        assert_eq!(sizes(&history(&[(0, 60), (0, 40), (0, 0)]), &[]), [2, 1]);
        assert_eq!(sizes(&history(&[(0, i64::MIN / 60), (0, i64::MAX / 60)]), &[]), [1, 1]);
    }

    #[test]
    fn what_follows_a_recorded_push_is_a_push_of_its_own() {
        let commits = history(&[(0, 0), (0, 1), (0, 2), (0, 3)]);
        assert_eq!(sizes(&commits, &[1]), [2, 2]);
        assert_eq!(sizes(&commits, &[3]), [4]);
    }

    #[test]
    fn a_push_that_is_on_record_keeps_its_commits_whoever_wrote_them_by_now() {
        let commits = history(&[(0, 0), (1, 1), (0, 2), (0, 3), (1, 4)]);
        assert_eq!(sizes(&commits, &[]), [1, 1, 2, 1]);
        assert_eq!(sizes_with(&commits, &[(3, Some(4))]), [4, 1]);
        assert_eq!(sizes_with(&commits, &[(3, Some(3))]), [1, 3, 1]);
        assert_eq!(sizes_with(&commits, &[(3, Some(1))]), [1, 1, 1, 1, 1]);
        assert_eq!(sizes_with(&commits, &[(1, None), (3, Some(9))]), [1, 1, 2, 1]);
        assert_eq!(sizes_with(&commits, &[(3, Some(0))]), [1, 1, 2, 1], "none is no number of commits");
    }

    #[test]
    fn no_commits_are_no_push() {
        assert!(sizes(&[], &[]).is_empty());
    }
}
