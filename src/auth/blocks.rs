//! What the database told of addresses that have to wait, so that a flood of tries that are refused anyway costs
//! neither its locks nor its connections. Memory only repeats such a block, until it ends, and goes on asking a few
//! times a second, so that it learns of what changed.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::throttle::{Attempt, Block};

/// How often a second the database is asked about a subject that is blocked.
const ASKED_A_SECOND: u32 = 3;
/// How many blocks are remembered; the database is asked about what comes beyond them.
const MOST: usize = 4_096;

/// See the module.
#[derive(Debug, Default)]
pub struct Blocks(Mutex<HashMap<String, Remembered>>);

#[derive(Debug)]
struct Remembered {
    until: Instant,
    except: HashSet<String>,
    second: Instant,
    asked: u32,
}

impl Blocks {
    /// How many seconds `attempt` has to wait, when that is known without the database.
    pub(super) fn wait(&self, attempt: &Attempt, now: Instant) -> Option<u64> {
        let mut blocks = self.lock();
        let mut longest = None;
        for subject in attempt.blocked_by() {
            let Some(block) = blocks.get_mut(&subject) else { continue };
            if block.until <= now {
                blocks.remove(&subject);
                continue;
            }
            if block.except.contains(attempt.account()) {
                continue;
            }
            if now.duration_since(block.second) >= Duration::from_secs(1) {
                (block.second, block.asked) = (now, 0);
            }
            if block.asked < ASKED_A_SECOND {
                block.asked += 1;
                return None;
            }
            let left = block.until.duration_since(now).as_secs_f64().ceil();
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "at most an hour, and positive"
            )]
            let left = left as u64;
            longest = longest.max(Some(left.max(1)));
        }
        longest
    }

    pub(super) fn remember(&self, block: Block, now: Instant) {
        let mut blocks = self.lock();
        if blocks.len() >= MOST && !blocks.contains_key(&block.subject) {
            blocks.retain(|_, known| known.until > now);
            if blocks.len() >= MOST {
                return;
            }
        }
        let until = now + Duration::from_secs(block.seconds);
        let except = block.except.into_iter().collect();
        let known = blocks.entry(block.subject).or_insert_with(|| Remembered {
            until,
            except: HashSet::new(),
            second: now,
            asked: 1,
        });
        (known.until, known.except) = (until, except);
    }

    /// Forgets what stopped `attempt`, which the database has let pass.
    pub(super) fn lift(&self, attempt: &Attempt) {
        let mut blocks = self.lock();
        for subject in attempt.blocked_by() {
            if blocks.get(&subject).is_some_and(|block| !block.except.contains(attempt.account())) {
                blocks.remove(&subject);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Remembered>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(email: &str) -> Attempt {
        Attempt::new(email, Some("198.51.100.1".parse().unwrap()))
    }

    fn block(seconds: u64, except: &[&str]) -> Block {
        let except = except.iter().map(|email| attempt(email).account().to_owned()).collect();
        Block { subject: "198.51.100.1".to_owned(), seconds, except }
    }

    #[test]
    fn a_block_is_repeated_until_it_ends_and_asked_about_a_few_times_a_second() {
        let (blocks, start) = (Blocks::default(), Instant::now());
        let at = |millis: u64| start + Duration::from_millis(millis);
        assert_eq!(blocks.wait(&attempt("a@x.test"), at(0)), None);
        blocks.remember(block(60, &["known@x.test"]), at(0));

        let flood = |millis: u64| -> Vec<Option<u64>> {
            (0..6).map(|n| blocks.wait(&attempt(&format!("{n}@x.test")), at(millis))).collect()
        };
        assert_eq!(flood(0), [None, None, Some(60), Some(60), Some(60), Some(60)]);
        assert_eq!(flood(500), [Some(60); 6]);
        assert_eq!(flood(1_000), [None, None, None, Some(59), Some(59), Some(59)]);
        assert_eq!(blocks.wait(&attempt("known@x.test"), at(1_100)), None, "whom it does not stop");
        let elsewhere = Attempt::new("a@x.test", Some("198.51.100.2".parse().unwrap()));
        assert_eq!(blocks.wait(&elsewhere, at(1_100)), None);
        assert_eq!(flood(60_000), [None; 6]);
    }

    #[test]
    fn what_the_database_lets_pass_is_forgotten() {
        let (blocks, now) = (Blocks::default(), Instant::now());
        blocks.remember(block(60, &["known@x.test"]), now);
        for _ in 0..3 {
            blocks.wait(&attempt("a@x.test"), now);
        }
        blocks.lift(&attempt("known@x.test"));
        assert_eq!(blocks.wait(&attempt("a@x.test"), now), Some(60));
        blocks.lift(&attempt("a@x.test"));
        assert_eq!(blocks.wait(&attempt("a@x.test"), now), None);
    }

    #[test]
    fn memory_is_bounded() {
        let (blocks, now) = (Blocks::default(), Instant::now());
        for n in 0..MOST + 10 {
            blocks.remember(Block { subject: n.to_string(), seconds: 60, except: Vec::new() }, now);
        }
        assert_eq!(blocks.lock().len(), MOST);
        let later = now + Duration::from_secs(61);
        blocks.remember(block(60, &[]), later);
        assert_eq!(blocks.lock().len(), 1);
    }
}
