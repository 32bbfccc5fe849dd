//! Faults of the console's own process: killed, told to end, replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use crate::load::{Crowd, Ending, Load, rate};
use crate::proxy::{Proxy, Upstream};
use crate::rig::{Console, Rig, random_below, send_signal, status_of, wait_until};
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "R12",
        what: "the console is killed within 500 ms while 200 write, and started again; every second time no action can be recorded",
        target: "nothing acknowledged lost, nothing twice, no action missing or spooled for over 60 s; ready again within 2 s",
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
        target: "no request of a thousand a round fails, nobody is signed out",
        run: restarted_in_turn,
    },
];

fn crowd(rig: &Rig, console: &Console) -> Crowd {
    let (writers, pause) = (10, Duration::from_millis(15));
    Crowd { writers, pause, fresh_connections: true, ..Crowd::usual(rig, console) }
}

/// While its one row says so, no action can be recorded: each has to be kept and recorded later.
const REFUSING: &str = "CREATE TABLE refusing (now boolean); INSERT INTO refusing VALUES (false); \
     CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN \
         IF (SELECT now FROM public.refusing) THEN RAISE EXCEPTION 'the record is full'; END IF; \
         RETURN NEW; END $$; \
     CREATE TRIGGER refuse BEFORE INSERT ON turbobackend.project_actions FOR EACH ROW EXECUTE FUNCTION refuse()";

fn killed(rounds: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    rig.database.sql(REFUSING);
    let recipe = rig.recipe();
    let mut console = recipe.serve();
    let load = Load::start(&Crowd { writers: 200, ..crowd(&rig, &console) });
    load.serve_more(30);
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        rig.database.sql(&format!("UPDATE refusing SET now = {}", round % 2 == 1));
        sleep(Duration::from_millis(random_below(500)));
        console.kill();
        console = recipe.spawn();
        let ready = wait_until(Duration::from_secs(30), || console.is_ready());
        longest = longest.max(ready.unwrap_or(Duration::from_secs(30)));
        load.serve_more(20);
    }
    rig.database.sql("UPDATE refusing SET now = false");
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
    let ends = rounds.min(20);
    for _ in 0..ends {
        let mut console = recipe.serve();
        let busy = Crowd { readers: 30, ..crowd(&rig, &console) };
        let load = Load::with_ledger(&busy, Arc::clone(&ledger));
        load.serve_more(100);
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
    verdict.see(format!("{ends} ends, after {} ms at most", longest.as_millis()));
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
    let crowd = Crowd { address: front.address(), writers: 4, readers: 12, ..crowd(&rig, &consoles[0]) };
    let load = Load::start(&crowd);
    load.serve_more(100);
    // Until there were a thousand requests a round.
    let wanted = rounds as usize * 1000;
    let mut restarts = 0;
    while restarts < rounds.min(10) || load.count() < wanted {
        let turn = (restarts % 2) as usize;
        restarts += 1;
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
    verdict.see(format!("{restarts} restarts, {} requests a second", rate(&samples)));
    verdict.requests(&samples, Duration::from_secs(5));
    let failed: Vec<_> = samples.iter().filter(|sample| sample.ending != Ending::Served).collect();
    verdict
        .require(failed.is_empty(), || format!("{} requests failed, such as {:?}", failed.len(), failed[0]));
    verdict.writes(ledger.check(&rig.database));
}
