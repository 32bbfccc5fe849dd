//! Those who try to sign in, more than there is room for.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, ORIGIN};

use crate::clients::{gentle, others};
use crate::load::{Hammer, Statuses};
use crate::rig::{Console, Rig};
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "R40",
        what: "24 connections of one address that has to wait already try to sign in without a pause, each time as somebody else",
        target: "all refused or told to come back; others' p99 below 300 ms and none refused; below 256 MB",
        run: flood,
    },
    Fault {
        number: "R41",
        what: "64 connections try to sign in without a pause, each time from another address",
        target: "checked, or told to come back; others' p99 below 300 ms and none refused; below 256 MB",
        run: crowd,
    },
];

/// How long they try.
const MEANWHILE: Duration = Duration::from_secs(10);

/// `connections` that try until [`MEANWHILE`] is over, the n-th time from the address that `from` names.
fn tries(console: &Console, connections: usize, from: fn(usize) -> String) -> Statuses {
    let base = format!("http://{}", console.address);
    let hammer = Hammer::start(connections, move |client, n| {
        client
            .post(format!("{base}/login"))
            .header(ORIGIN, &base)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("x-forwarded-for", from(n))
            .body(format!("email=somebody{n}%40faults.test&password=a+guess"))
    });
    std::thread::sleep(MEANWHILE);
    hammer.stop()
}

fn judge(connections: usize, from: fn(usize) -> String, prepare: fn(&Rig), verdict: &mut Verdict) {
    let rig = Rig::new();
    let mut recipe = rig.recipe();
    recipe.values.insert("PILOTHOUSE_TRUSTED_PROXIES".to_owned(), "127.0.0.0/8".to_owned());
    let console = recipe.serve();
    prepare(&rig);
    let load = gentle(&rig, &console);
    load.serve_more(20);
    let answers = tries(&console, connections, from);
    let count = |status: u16| answers.get(&status).copied().unwrap_or(0);
    let (refused, waits, busy) = (count(422), count(429), count(503));
    let memory = console.figure("VmHWM") / 1024;
    verdict.see(format!("{refused} checked, {waits} told to wait, {busy} to come back, {memory} MB at most"));
    let all: usize = answers.values().sum();
    verdict.require(all == refused + waits + busy, || format!("other answers: {answers:?}"));
    verdict.require(refused + waits + busy > 100, || "hardly anything was tried".to_owned());
    verdict.require(memory < 256, || format!("{memory} MB"));
    verdict.count_requests(all);
    others(load, &rig, verdict, Duration::from_millis(300));
}

fn flood(_: u32, verdict: &mut Verdict) {
    let block = |rig: &Rig| {
        rig.database.sql(
            "INSERT INTO pilothouse.sign_in_failures (scope, subject, failures, blocked_until) \
             VALUES ('address', '198.51.100.1', 30, now() + interval '15 minutes')",
        );
    };
    judge(24, |_| "198.51.100.1".to_owned(), block, verdict);
}

fn crowd(_: u32, verdict: &mut Verdict) {
    judge(64, |n| format!("198.{}.{}.{}", 18 + n / 65_536, n / 256 % 256, n % 256), |_| {}, verdict);
}
