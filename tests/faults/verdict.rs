//! A row of the table: what was done, what was seen, what had to be seen.

use std::time::{Duration, Instant};

use crate::ledger::Finding;
use crate::load::{Ending, Sample, Seen};

/// Something that breaks.
#[derive(Clone, Copy)]
pub struct Fault {
    /// A short name to ask for it by.
    pub number: &'static str,
    /// What breaks.
    pub what: &'static str,
    /// What has to be seen.
    pub target: &'static str,
    /// Lets it happen so many times.
    pub run: fn(u32, &mut Verdict),
}

/// What a [`Fault`] led to.
#[derive(Default)]
pub struct Verdict {
    seen: Vec<String>,
    writes: usize,
    requests: usize,
    /// What fell short; empty when the target is met.
    pub misses: Vec<String>,
}

pub const TABLE_HEAD: &str =
    "| | fault | seen | target | writes | requests | verdict |\n|---|---|---|---|--:|--:|---|";

impl Fault {
    /// Whether `name` asks for this one.
    pub fn is(&self, name: &str) -> bool {
        self.number.eq_ignore_ascii_case(name)
    }

    /// Lets it happen, and judges it.
    pub fn happen(&self, rounds: u32) -> Verdict {
        eprintln!("{} {}", self.number, self.what);
        let mut verdict = Verdict::default();
        let began = Instant::now();
        let run = std::panic::AssertUnwindSafe(|| (self.run)(rounds, &mut verdict));
        if std::panic::catch_unwind(run).is_err() {
            verdict.misses.push("the run itself failed".to_owned());
        }
        for miss in verdict.misses.iter().take(8) {
            eprintln!("   missed: {miss}");
        }
        eprintln!("   {} s", began.elapsed().as_secs());
        verdict
    }
}

/// From when to when something was broken.
#[derive(Debug, Clone, Copy)]
pub struct Episode {
    /// It broke.
    pub from: Instant,
    /// It was whole again.
    pub back: Instant,
}

impl Verdict {
    /// Adds a figure to what was seen.
    pub fn see(&mut self, figure: impl Into<String>) {
        self.seen.push(figure.into());
    }

    /// `holds`, or the target is missed for the reason that `told` says.
    pub fn require(&mut self, holds: bool, told: impl FnOnce() -> String) {
        if !holds {
            self.misses.push(told());
        }
    }

    /// Judges what a ledger found.
    pub fn writes(&mut self, finding: Finding) {
        self.writes += finding.writes;
        self.see(format!(
            "{} of {} writes acknowledged, {} not as told",
            finding.acknowledged,
            finding.writes,
            finding.misses.len()
        ));
        self.misses.extend(finding.misses);
    }

    /// Counts requests that are judged elsewhere.
    pub fn count_requests(&mut self, requests: usize) {
        self.requests += requests;
    }

    /// Judges requests: no 500, no hang, nobody signed out, no answer after more than `slowest`.
    pub fn requests(&mut self, samples: &[Sample], slowest: Duration) -> Seen {
        let mut seen = Seen::default();
        seen.add(samples);
        self.requests += seen.requests;
        self.see(format!("{} × 503, slowest answer {} ms", seen.unavailable, seen.slowest.as_millis()));
        self.misses.extend(seen.wrong.iter().cloned());
        self.require(seen.slowest <= slowest, || {
            format!("the slowest answer took {} ms", seen.slowest.as_millis())
        });
        seen
    }

    /// Judges how long after each episode the last request was refused.
    pub fn recovery(&mut self, samples: &[Sample], episodes: &[Episode], within: Duration) {
        let mut worst = Duration::ZERO;
        for (n, episode) in episodes.iter().enumerate() {
            let until = episodes.get(n + 1).map(|next| next.from);
            let late = samples
                .iter()
                .filter(|sample| sample.ending != Ending::Served)
                // What was under way when the next one began belongs to that.
                .filter(|sample| until.is_none_or(|until| sample.at + sample.took < until))
                .map(|sample| sample.at.saturating_duration_since(episode.back))
                .max()
                .unwrap_or_default();
            worst = worst.max(late);
        }
        self.see(format!("full service after {} ms at most", worst.as_millis()));
        self.require(worst <= within, || {
            format!("a request was refused {} ms after the return", worst.as_millis())
        });
    }

    /// The table's row.
    pub fn row(&self, fault: &Fault) -> String {
        format!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            fault.number,
            fault.what,
            self.seen.join("; "),
            fault.target,
            self.writes,
            self.requests,
            if self.misses.is_empty() { "met" } else { "**missed**" }
        )
    }
}
