//! Load, and what it cost.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::stage::Stage;

/// What a run of some seconds showed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    /// Pages, or transactions.
    pub done: f64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// CPU milliseconds of the console a page, which is CPU seconds per 1,000.
    pub console_cpu: f64,
    /// The same of PostgreSQL.
    pub database_cpu: f64,
}

impl Run {
    /// CPU of both.
    pub fn cpu(&self) -> f64 {
        self.console_cpu + self.database_cpu
    }
}

fn measured(stage: &Stage, work: impl FnOnce() -> Run) -> Run {
    let before = stage.cpu();
    let run = work();
    // Until the server has seen its clients' backends end, what they used is nobody's.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let after = stage.cpu();
    let each = |seconds: f64| seconds * 1000.0 / run.done;
    Run { console_cpu: each(after.0 - before.0), database_cpu: each(after.1 - before.1), ..run }
}

/// Asks for `path` with `clients` connections that are kept.
pub fn pages(stage: &Stage, path: &str, cookie: &str, clients: u32, seconds: u32) -> Run {
    asked(stage, path, &[&format!("Cookie: {cookie}")], clients, seconds)
}

/// [`pages`] as browsers ask: the answer packed.
pub fn packed_pages(stage: &Stage, path: &str, cookie: &str, clients: u32, seconds: u32) -> Run {
    let headers = [&format!("Cookie: {cookie}"), "Accept-Encoding: gzip, deflate, br, zstd"];
    asked(stage, path, &headers, clients, seconds)
}

fn asked(stage: &Stage, path: &str, headers: &[&str], clients: u32, seconds: u32) -> Run {
    let headers = headers.iter().flat_map(|header| ["-H", header]).map(str::to_owned);
    hammered(stage, path, headers.collect(), clients, seconds)
}

/// Sends what the Lua script in `file` makes.
pub fn sent(stage: &Stage, file: &Path, clients: u32, seconds: u32) -> Run {
    hammered(stage, "", vec!["-s".to_owned(), file.display().to_string()], clients, seconds)
}

fn hammered(stage: &Stage, path: &str, more: Vec<String>, clients: u32, seconds: u32) -> Run {
    measured(stage, || {
        let output = Command::new("wrk")
            .args(["-t1", &format!("-c{clients}"), &format!("-d{seconds}s"), "--timeout=20s", "--latency"])
            .args(more)
            .arg(format!("{}{path}", stage.base))
            .output()
            .expect("wrk; bin/bench installs it");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!said.contains("Non-2xx") && !said.contains("Socket errors"), "{path}: {said}");
        // At a line's start: shares of other figures end in 50% too.
        let after = |mark: &str| {
            let rest = said.lines().find_map(|line| line.trim_start().strip_prefix(mark));
            let value = rest.and_then(|rest| rest.split_whitespace().next());
            value.unwrap_or_else(|| panic!("{path}: {said}")).to_owned()
        };
        let done = said
            .lines()
            .find(|line| line.contains(" requests in "))
            .and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap();
        Run {
            done,
            per_second: after("Requests/sec:").parse().unwrap(),
            p50_ms: milliseconds(&after("50%")),
            p99_ms: milliseconds(&after("99%")),
            ..Run::default()
        }
    })
}

/// "1.25ms", "980.00us" or "1.02s" in milliseconds.
fn milliseconds(text: &str) -> f64 {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits.parse().unwrap();
    match &text[digits.len()..] {
        "us" => number / 1000.0,
        "s" => number * 1000.0,
        _ => number,
    }
}

/// Runs a pgbench script with prepared statements.
pub fn transactions(
    stage: &Stage,
    user: &str,
    script: &str,
    variables: &[(String, String)],
    clients: u32,
    seconds: u32,
) -> Run {
    let dir = std::env::temp_dir().join(format!("pilothouse-bench-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("script.sql"), script).unwrap();
    let run = measured(stage, || pgbench(stage, user, &dir, variables, (clients, None), seconds));
    fs::remove_dir_all(&dir).unwrap();
    run
}

/// [`transactions`] at so many a second, beside something else that is measured.
pub fn transactions_at(stage: &Stage, user: &str, script: &str, rate: u32, seconds: u32) -> Run {
    let dir = std::env::temp_dir().join(format!("pilothouse-bench-rate-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("script.sql"), script).unwrap();
    let run = pgbench(stage, user, &dir, &[], (4, Some(rate)), seconds);
    fs::remove_dir_all(&dir).unwrap();
    run
}

fn pgbench(
    stage: &Stage,
    user: &str,
    dir: &Path,
    variables: &[(String, String)],
    (clients, rate): (u32, Option<u32>),
    seconds: u32,
) -> Run {
    let mut pgbench = Command::new("pgbench");
    pgbench
        .args(["-n", "-M", "prepared", "-f", "script.sql", "-l", "--log-prefix=log"])
        .args([format!("-c{clients}"), "-j1".to_owned(), format!("-T{seconds}")])
        .args(["-h", stage.socket().to_str().unwrap(), "-U", user]);
    pgbench.args(rate.map(|rate| format!("-R{rate}")));
    for (name, value) in variables {
        pgbench.args(["-D", &format!("{name}={value}")]);
    }
    let output = pgbench.arg("pilothouse").current_dir(dir).stdin(Stdio::null()).output().expect("pgbench");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !complaint.contains("error"), "{complaint}");
    let mut took: Vec<f64> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("log"))
        .flat_map(|path| {
            let log = fs::read_to_string(path).unwrap();
            log.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()).collect::<Vec<_>>()
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize] / 1000.0;
    let done = took.len() as f64;
    Run { done, per_second: done / f64::from(seconds), p50_ms: at(0.5), p99_ms: at(0.99), ..Run::default() }
}

/// The run in the middle, by its CPU.
pub fn median(mut runs: Vec<Run>) -> Run {
    runs.sort_by(|a, b| a.cpu().total_cmp(&b.cpu()));
    runs[runs.len() / 2]
}

/// The middle of several numbers.
pub fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
