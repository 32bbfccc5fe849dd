//! Faults of the console's own process: killed, told to end, replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use crate::load::{Crowd, Ending, Load};
use crate::proxy::{Proxy, Upstream};
use crate::rig::{Console, Rig, send_signal, status_of, wait_until};
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "R12",
        what: "the console is killed under write load and started again",
        target: "nothing acknowledged lost, nothing twice; ready again within 2 s",
        run: killed,
    },
    Fault {
        number: "R13",
        what: "the console is told to end under load",
        target: "`/readyz` says 503 first; every request that was sent until then is answered; exit 0 within 10 s",
        run: told_to_end,
    },
    Fault {
        number: "R14",
        what: "two consoles behind a proxy are restarted in turn under load",
        target: "no request fails, nobody is signed out",
        run: restarted_in_turn,
    },
];

fn crowd(rig: &Rig, console: &Console) -> Crowd {
    let (writers, pause) = (10, Duration::from_millis(15));
    Crowd { writers, pause, fresh_connections: true, ..Crowd::usual(rig, console) }
}

fn killed(rounds: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let recipe = rig.recipe();
    let mut console = recipe.serve();
    let load = Load::start(&crowd(&rig, &console));
    load.serve_more(30);
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        // At another moment each time.
        sleep(Duration::from_millis(u64::from(round * 97 % 500)));
        console.kill();
        console = recipe.spawn();
        let ready = wait_until(Duration::from_secs(30), || console.is_ready());
        longest = longest.max(ready.unwrap_or(Duration::from_secs(30)));
        load.serve_more(20);
    }
    let ledger = load.ledger.clone();
    let samples = load.stop();
    verdict.see(format!("{rounds} rounds, ready again after {} ms at most", longest.as_millis()));
    verdict.require(longest < Duration::from_secs(2), || format!("ready after {longest:?}"));
    verdict.requests(&samples, Duration::from_secs(5));
    verdict.writes(ledger.check(&rig.database));
}

fn told_to_end(rounds: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let recipe = rig.recipe();
    let mut longest = Duration::ZERO;
    let mut all = Vec::new();
    let ledger = Arc::default();
    for _ in 0..rounds.min(20) {
        let mut console = recipe.serve();
        let load = Load::with_ledger(&crowd(&rig, &console), Arc::clone(&ledger));
        load.serve_more(30);
        send_signal("TERM", &console.pid());
        let address = console.address;
        let told = wait_until(Duration::from_secs(5), || {
            status_of(address, "/readyz", Duration::from_secs(1)) == Some(503)
        });
        verdict.require(told.is_some(), || "/readyz never said 503".to_owned());
        all.extend(load.stop());
        match console.ended(Duration::from_secs(12)) {
            Some((status, took)) => {
                longest = longest.max(took);
                verdict.require(status.code() == Some(0), || format!("ended with {status}"));
            }
            None => verdict.misses.push("it did not end".to_owned()),
        }
    }
    verdict.see(format!("ended after {} ms at most", longest.as_millis()));
    verdict.require(longest <= Duration::from_secs(10), || format!("ended after {longest:?}"));
    verdict.requests(&all, Duration::from_secs(5));
    let lost = all.iter().filter(|sample| sample.ending != Ending::Served).count();
    verdict.require(lost == 0, || {
        let first = all.iter().find(|sample| sample.ending != Ending::Served).map(|sample| &sample.ending);
        format!("{lost} requests were not served, such as {first:?}")
    });
    verdict.writes(ledger.check(&rig.database));

    // Whoever says it twice means now.
    let mut console = recipe.serve();
    send_signal("TERM", &console.pid());
    sleep(Duration::from_millis(200));
    send_signal("TERM", &console.pid());
    let ended = console.ended(Duration::from_secs(1));
    verdict.require(ended.is_some(), || "a second SIGTERM does not end it".to_owned());
}

/// Asks `/readyz` of `console` again and again, and switches its upstream accordingly, as proxies do.
fn look_after(
    address: std::net::SocketAddr,
    on: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            let ready = status_of(address, "/readyz", Duration::from_secs(2)) == Some(200);
            on.store(ready, Ordering::SeqCst);
            sleep(Duration::from_millis(200));
        }
    })
}

fn restarted_in_turn(rounds: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let recipes = [rig.recipe(), rig.recipe()];
    let mut consoles: Vec<Console> = recipes.iter().map(crate::rig::Recipe::serve).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let switches = [Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true))];
    let watchers: Vec<_> = consoles
        .iter()
        .zip(&switches)
        .map(|(console, on)| look_after(console.address, Arc::clone(on), Arc::clone(&stop)))
        .collect();
    let upstreams = consoles
        .iter()
        .zip(&switches)
        .map(|(console, on)| Upstream::Tcp(console.address, Arc::clone(on)))
        .collect();
    let front = Proxy::start(upstreams);
    let mut crowd = crowd(&rig, &consoles[0]);
    crowd.address = front.address();
    let load = Load::start(&crowd);
    load.serve_more(100);
    for round in 0..rounds.min(25) {
        let turn = (round % 2) as usize;
        send_signal("TERM", &consoles[turn].pid());
        let ended = consoles[turn].ended(Duration::from_secs(12));
        verdict
            .require(ended.is_some_and(|(status, _)| status.success()), || "it did not end well".to_owned());
        consoles[turn] = recipes[turn].serve();
        wait_until(Duration::from_secs(5), || switches[turn].load(Ordering::SeqCst));
        load.serve_more(50);
    }
    let ledger = load.ledger.clone();
    let samples = load.stop();
    stop.store(true, Ordering::Relaxed);
    for watcher in watchers {
        let _ = watcher.join();
    }
    verdict.see(format!("{} restarts", rounds.min(25)));
    verdict.requests(&samples, Duration::from_secs(5));
    let failed: Vec<_> = samples.iter().filter(|sample| sample.ending != Ending::Served).collect();
    verdict
        .require(failed.is_empty(), || format!("{} requests failed, such as {:?}", failed.len(), failed[0]));
    verdict.writes(ledger.check(&rig.database));
}
