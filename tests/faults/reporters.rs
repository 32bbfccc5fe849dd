//! Programs that report over the API while the console is killed under them.

use std::collections::HashMap;
use std::io::{self, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

use pilothouse::db::SecretHash;
use pilothouse::runtime::Entropy;

use crate::ledger::{Finding, Told};
use crate::rig::{Rig, random_below, wait_until};
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[Fault {
    number: "R12a",
    what: "the console is killed within 500 ms while 200 report over the API, each sending again what was not answered, and started again",
    target: "no acknowledged report lost, none there twice; ready again within 2 s",
    run: killed_while_many_report,
}];

const REPORTERS: usize = 200;

#[derive(Default)]
struct Reports {
    told: Mutex<HashMap<String, Told>>,
    answers: AtomicUsize,
    replayed: AtomicUsize,
    odd: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

/// One who reports again and again; what was not answered goes out again under its key.
struct Reporter {
    address: SocketAddr,
    token: String,
    project: String,
    number: usize,
}

impl Reporter {
    fn work(&self, reports: &Reports) {
        for n in 0.. {
            let key = format!("r{}-{n}", self.number);
            let mut told = Told::Refused;
            while !reports.is_over.load(Ordering::Relaxed) && told != Told::Done {
                match self.send(&key) {
                    Ok((201, replayed)) => {
                        told = Told::Done;
                        reports.answers.fetch_add(1, Ordering::Relaxed);
                        reports.replayed.fetch_add(usize::from(replayed), Ordering::Relaxed);
                    }
                    // What a refusal says of this try says nothing of those before it.
                    Ok((409 | 429 | 503, _)) => {
                        told = Told::Uncertain;
                        reports.answers.fetch_add(1, Ordering::Relaxed);
                        sleep(Duration::from_millis(20 + random_below(80)));
                    }
                    Ok((status, _)) => {
                        reports.odd.lock().unwrap().push(format!("{key} was answered {status}"));
                        return;
                    }
                    Err(_) => {
                        told = Told::Uncertain;
                        sleep(Duration::from_millis(20 + random_below(80)));
                    }
                }
            }
            reports.told.lock().unwrap().insert(key, told);
            if reports.is_over.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// Its status, and whether the answer was there before.
    fn send(&self, key: &str) -> io::Result<(u16, bool)> {
        let body = format!(r#"{{"action_type":"ledger_report","action_details":"{key}"}}"#);
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(2))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "POST /api/projects/{}/activities HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.project,
            self.address,
            self.token,
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let is_whole = answer.contains("\r\n\r\n");
        let status = status.filter(|_| is_whole).ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((status, answer.to_ascii_lowercase().contains("idempotency-replayed: true")))
    }
}

fn killed_while_many_report(rounds: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    rig.database.sql(
        "INSERT INTO users (email, name, role) VALUES ('ci@faults.test', 'CI', 'owner'); \
         INSERT INTO projects (name, user_id) SELECT 'reported', id FROM users WHERE email = 'ci@faults.test'",
    );
    let project = rig.database.text("SELECT id FROM projects WHERE name = 'reported'");
    let recipe = rig.recipe();
    let mut console = recipe.serve();
    let reports = Arc::new(Reports::default());
    let reporters: Vec<_> = (0..REPORTERS)
        .map(|number| {
            let token = format!("ph_{}", Entropy.secret());
            rig.database.sql(&format!(
                "WITH made AS (INSERT INTO pilothouse.api_tokens (hash, name, created_by, scopes) \
                     SELECT '{}', 'CI', id, '{{report}}' FROM users WHERE email = 'ci@faults.test' RETURNING id) \
                 INSERT INTO pilothouse.api_token_projects SELECT id, '{project}' FROM made",
                SecretHash::of(&token).as_str()
            ));
            let reporter = Reporter { address: console.address, token, project: project.clone(), number };
            let reports = Arc::clone(&reports);
            thread::spawn(move || reporter.work(&reports))
        })
        .collect();
    let answered = |more: usize| {
        let before = reports.answers.load(Ordering::Relaxed);
        wait_until(Duration::from_mins(1), || reports.answers.load(Ordering::Relaxed) >= before + more)
    };
    let _ = answered(200);
    let mut longest = Duration::ZERO;
    for _ in 0..rounds {
        sleep(Duration::from_millis(random_below(500)));
        console.kill();
        console = recipe.spawn();
        let ready = wait_until(Duration::from_secs(30), || console.is_ready());
        longest = longest.max(ready.unwrap_or(Duration::from_secs(30)));
        verdict.require(answered(100).is_some(), || "nothing is answered any more".to_owned());
    }
    reports.is_over.store(true, Ordering::Relaxed);
    for reporter in reporters {
        let _ = reporter.join();
    }
    let mut kept: HashMap<String, usize> = HashMap::new();
    for key in rig
        .database
        .texts("SELECT action_details FROM turbobackend.project_actions WHERE action_type = 'ledger_report'")
    {
        *kept.entry(key).or_default() += 1;
    }
    let told = reports.told.lock().unwrap();
    let mut misses: Vec<String> = reports.odd.lock().unwrap().clone();
    for (key, told) in told.iter() {
        let found = kept.get(key).copied().unwrap_or(0);
        let is_right = match told {
            Told::Done => found == 1,
            Told::Refused => found == 0,
            Told::Uncertain => found <= 1,
        };
        if !is_right {
            misses.push(format!("report {key} was told {told:?}, found {found}×"));
        }
    }
    let stray = rig.database.text(
        "SELECT count(*) FROM turbobackend.project_actions a WHERE a.action_type = 'ledger_report' AND NOT EXISTS \
         (SELECT FROM pilothouse.timeline t WHERE t.source = 'action' AND t.id = a.action_id COLLATE \"C\")",
    );
    verdict.require(stray == "0", || format!("{stray} reports are not in the timeline"));
    let replayed = reports.replayed.load(Ordering::Relaxed);
    verdict.see(format!(
        "{rounds} rounds, ready again after {} ms at most; {replayed} retries were answered with what was kept before",
        longest.as_millis()
    ));
    verdict.require(longest < Duration::from_secs(2), || format!("ready after {longest:?}"));
    verdict.count_requests(reports.answers.load(Ordering::Relaxed));
    let acknowledged = told.values().filter(|told| **told == Told::Done).count();
    verdict.writes(Finding { writes: told.len(), acknowledged, misses });
}
