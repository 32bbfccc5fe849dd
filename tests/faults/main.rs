//! Breaks what a console depends on, under load, and says what became of every write and request.
//!
//! Run by `bin/faults`; `cargo test` leaves it alone. `FAULT_ROUNDS` says how often the repeated faults
//! happen; arguments name the faults to run (`R1 R12`), none of them means all.
#![expect(clippy::unwrap_used, reason = "what can't be set up ends the run")]
#![expect(clippy::disallowed_methods, reason = "faults are looked at from behind the scenes")]

mod backups;
mod clients;
mod containers;
mod database;
mod engine;
mod fake_engine;
mod keeping;
mod ledger;
mod load;
mod neighbours;
#[path = "../support/panicking.rs"]
mod panicking;
mod pooler;
mod process;
#[path = "../support/proxy.rs"]
#[expect(dead_code, reason = "the suite also makes bytes trickle")]
mod proxy;
mod reporters;
mod rig;
mod schema;
mod sign_in;
#[path = "../suite/support/engine.rs"]
#[expect(dead_code, reason = "the suite does more with its engine")]
mod test_engine;
mod verdict;
mod watchers;

/// Where an engine of the tests lies.
mod db {
    pub fn new_directory() -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("pilothouse-engine-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&path).unwrap();
        path
    }
}

use verdict::{Fault, Verdict};

fn main() {
    let rounds = std::env::var("FAULT_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let faults: Vec<Fault> = [
        database::FAULTS,
        process::FAULTS,
        reporters::FAULTS,
        schema::FAULTS,
        clients::FAULTS,
        sign_in::FAULTS,
        neighbours::FAULTS,
        watchers::FAULTS,
        keeping::FAULTS,
        backups::FAULTS,
        pooler::FAULTS,
        containers::FAULTS,
        engine::FAULTS,
    ]
    .concat();
    let chosen = faults.iter().filter(|fault| wanted.is_empty() || wanted.iter().any(|name| fault.is(name)));
    println!("{}", verdict::TABLE_HEAD);
    let mut missed = Vec::new();
    for fault in chosen {
        let verdict: Verdict = fault.happen(rounds);
        println!("{}", verdict.row(fault));
        missed.extend(verdict.misses.into_iter().map(|miss| format!("{}: {miss}", fault.number)));
    }
    if !missed.is_empty() {
        eprintln!("\nMissed:\n{}", missed.join("\n"));
        std::process::exit(1);
    }
}
