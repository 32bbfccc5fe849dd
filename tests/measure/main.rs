//! What needs many repetitions to be seen: whether the time of a refused sign-in tells which accounts exist, and
//! whether a race brings a session back. Prints a table; run by `bin/measure-security`.
#![expect(
    clippy::unwrap_used,
    clippy::many_single_char_names,
    reason = "what can't be set up ends the measurement; a formula has its letters"
)]
#![expect(clippy::disallowed_methods, reason = "measures from outside, with the machine's own clock")]

#[path = "../suite/support/mod.rs"]
#[expect(dead_code, reason = "tests use the rest")]
mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use support::console::{Console, PASSWORD};

fn rounds(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn main() {
    // What `cargo test` passes along is of no use here.
    sign_ins(rounds("SIGN_INS", 500));
    resurrections(rounds("SIGN_OUTS", 1_000));
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The probability that two samples of the same thing differ as much as these: Mann-Whitney's test, with the
/// normal approximation, which holds for samples of this size. Ties have the mean of their ranks.
fn mann_whitney(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> =
        one.iter().map(|time| (*time, true)).chain(other.iter().map(|time| (*time, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (n, m) = (count(one), count(other));
    let ranks: f64 =
        (1_u32..).zip(&all).filter(|(_, (_, first))| *first).map(|(rank, _)| f64::from(rank)).sum();
    let u = ranks - n * (n + 1.0) / 2.0;
    let z = (u - n * m / 2.0).abs() / (n * m * (n + m + 1.0) / 12.0).sqrt();
    // Twice the upper tail of the normal distribution, after Abramowitz and Stegun 26.2.17.
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let tail = density
        * t
        * (0.319_381_530
            + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    (2.0 * tail).min(1.0)
}

fn count(sample: &[f64]) -> f64 {
    f64::from(u32::try_from(sample.len()).unwrap())
}

/// Refused sign-ins of four kinds, in turn, so that the machine's moods meet all of them.
fn sign_ins(rounds: usize) {
    let console = Console::start();
    let (_, known) = console.user("owner");
    let (inactive, deactivated) = console.user("owner");
    let (unset, passwordless) = console.user("owner");
    console.sql(&format!(
        "UPDATE users SET is_active = false WHERE id = '{inactive}'; \
         UPDATE users SET password_hash = NULL WHERE id = '{unset}'"
    ));
    let kinds = [
        ("wrong password", known.as_str()),
        ("unknown address", "nobody@people.test"),
        ("deactivated", &deactivated),
        ("without a password", &passwordless),
    ];
    let person = console.anonymous();
    let mut times = vec![Vec::new(); kinds.len() + 1];
    for round in 0..rounds + 20 {
        // Each round begins with another kind: what a request leaves behind slows or speeds the next.
        for kind in (0..kinds.len()).map(|n| (n + round) % kinds.len()) {
            let (_, email) = kinds[kind];
            // The throttle counts from nothing each time: its wait is not what is measured.
            console.sql("DELETE FROM pilothouse.sign_in_failures");
            let began = Instant::now();
            let answer = person.post("/login", &[("email", email), ("password", "a wrong password")]);
            let taken = began.elapsed().as_secs_f64() * 1_000.0;
            assert_eq!(answer.status, 422);
            if round >= 20 {
                times[kind].push(taken);
            }
        }
        // The control: an answer that is given without looking at any password.
        let began = Instant::now();
        person.post("/login", &[("email", &known), ("password", "")]);
        if round >= 20 {
            times[kinds.len()].push(began.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    println!("| refused sign-in | tries | median ms | difference ms | Mann-Whitney p |");
    println!("|---|--:|--:|--:|--:|");
    let names = kinds.iter().map(|(name, _)| *name).chain(["control: no password given"]);
    for (name, sample) in names.zip(&times) {
        let difference = median(sample) - median(&times[0]);
        let p = mann_whitney(&times[0], sample);
        println!("| {name} | {} | {:.2} | {difference:+.2} | {p:.3} |", sample.len(), median(sample));
    }
    println!();
}

/// Sign-outs in the middle of other requests of the same session.
fn resurrections(rounds: usize) {
    let console = Console::start();
    let (alive, answered, grown) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    for _ in 0..rounds {
        let owner = console.owner();
        console.sql("UPDATE sessions SET last_activity = now() - interval '5 minutes'");
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (twin, answered) = (owner.twin(), &answered);
                scope.spawn(move || {
                    let status = match n % 2 {
                        0 => twin.get("/projects").status,
                        _ => twin.post("/account/preferences", &[("theme", "dark")]).status,
                    };
                    assert!([200, 303].contains(&status), "{status}");
                    answered.fetch_add(1, Ordering::Relaxed);
                });
            }
            let leaving = owner.twin();
            scope.spawn(move || assert_eq!(leaving.post("/logout", &[]).status, 303));
        });
        alive.fetch_add(usize::from(owner.is_signed_in()), Ordering::Relaxed);
        let left = console.count(&format!("sessions WHERE user_id = '{}' AND is_active", owner.id));
        grown.fetch_add(usize::try_from(left).unwrap(), Ordering::Relaxed);
    }
    // The control: a session that nobody has ended is seen as alive by the same look.
    let control = console.sign_in_as(&console.user("owner").0);
    assert!(control.is_signed_in() && !PASSWORD.is_empty());
    println!("| sign-outs | requests beside them | sessions alive afterwards | active rows left |");
    println!("|--:|--:|--:|--:|");
    println!(
        "| {rounds} | {} | {} | {} |",
        answered.load(Ordering::Relaxed),
        alive.load(Ordering::Relaxed),
        grown.load(Ordering::Relaxed)
    );
}
