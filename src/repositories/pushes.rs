//! Which commits were pushed together.

use std::collections::HashSet;

use chrono::TimeDelta;
use gix::ObjectId;

use super::history::Commit;

/// Longest time between two neighbouring commits of one push.
pub(super) const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(30);

/// Cuts a history (oldest first) into pushes, each of one author and without a pause over
/// [`LONGEST_PAUSE`]. A commit of `recorded` ends its push, because a push that is known already does.
pub(super) fn pushes<'a>(
    history: &'a [Commit],
    recorded: &HashSet<ObjectId>,
) -> impl Iterator<Item = Push<'a>> {
    history
        .chunk_by(|older, newer| {
            // What was one push before `.mailmap` knew better stays one.
            (older.author == newer.author || older.person == newer.person)
                && older.committed_at.abs_diff(newer.committed_at)
                    <= LONGEST_PAUSE.num_seconds().unsigned_abs()
                && !recorded.contains(&older.id)
        })
        .filter_map(|commits| Some(Push { commits, oldest: commits.first()?, head: commits.last()? }))
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
                person: *author,
                committed_at: minute * 60,
            })
            .collect()
    }

    fn sizes(history: &[Commit], recorded: &[usize]) -> Vec<usize> {
        let recorded = recorded.iter().map(|n| history[*n].id).collect();
        pushes(history, &recorded).map(|push| push.commits.len()).collect()
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
    fn no_commits_are_no_push() {
        assert!(sizes(&[], &[]).is_empty());
    }
}
