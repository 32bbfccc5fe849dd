//! One owner, or one address, does their worst: what another owner's pages notice of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, COOKIE, ORIGIN};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::clients::slow_client;
use crate::load::{Crowd, Ending, Hammer, Load, RUNTIME, Statuses, head};
use crate::rig::{Console, Person, Rig};
use crate::verdict::{Fault, Verdict};

pub const FAULTS: &[Fault] = &[
    Fault {
        number: "R42",
        what: "12 connections of one owner ask for dear filters, of 30 words each, over 200,000 actions",
        target: TARGET,
        run: costly_filters,
    },
    Fault {
        number: "R43",
        what: "25 connections of one owner take pages and records of 18 MB at 10 kB a second, and ask again",
        target: TARGET,
        run: slow_readers,
    },
    Fault {
        number: "R44",
        what: "12 connections of one owner export, and read by the API, rows of a megabyte",
        target: TARGET,
        run: fat_rows,
    },
    Fault {
        number: "R45",
        what: "300 connections ask for `/readyz` without a pause",
        target: "always 200; another owner's pages p95 below 300 ms, none refused; at most 256 MiB",
        run: readiness,
    },
    Fault {
        number: "R46",
        what: "1,400 idle connections, opened again as they end, to a console of 1,024 files",
        target: TARGET,
        run: idle_at_the_limit,
    },
    Fault {
        number: "R47",
        what: "12 connections of one owner change the theme without a pause",
        target: "at most 300 entries in the record; another owner's pages p95 below 300 ms, none refused; at most 256 MiB",
        run: acts,
    },
];

const TARGET: &str = "another owner's pages p95 below 300 ms, none refused; at most 256 MiB";
/// How long the worst is done.
const MEANWHILE: Duration = Duration::from_secs(20);

/// Somebody with projects and a record, who looks at one page after the other, each on a connection of its own.
fn neighbour(rig: &Rig, console: &Console) -> Load {
    let person = rig.person("neighbour");
    fill(rig, "neighbour", 20, 2_000, "'Deployed revision ' || n");
    let crowd = Crowd {
        people: vec![person],
        writers: 0,
        readers: 2,
        pause: Duration::from_millis(50),
        fresh_connections: true,
        ..Crowd::usual(rig, console)
    };
    Load::start(&crowd)
}

/// Gives somebody projects, and actions with `details` in them, a minute apart.
fn fill(rig: &Rig, name: &str, projects: u32, actions: u32, details: &str) {
    let owner = format!("(SELECT id FROM users WHERE email = '{name}@faults.test')");
    rig.database.sql(&format!(
        "INSERT INTO projects (name, user_id, type) SELECT 'app ' || n, {owner}, 'nextjs' FROM generate_series(1, {projects}) n; \
         INSERT INTO turbobackend.project_actions (action_id, project_id, user_id, request_id, action_type, action_details, \
             status, environment, reference_ids, created_at) \
         SELECT '{name}-' || n, p.ids[1 + n % {projects}], p.owner, 'req_' || n / 3, \
             (ARRAY['github_push', 'deployment', 'file_change', 'chat_prompt'])[1 + n % 4], {details}, \
             CASE WHEN n % 40 = 0 THEN 'failed' ELSE 'success' END, CASE WHEN n % 3 = 0 THEN 'production' ELSE 'development' END, \
             jsonb_build_object('branch_name', 'main', 'commit_sha', md5('c' || n / 2), 'deployment_id', 'd' || n / 2), \
             (extract(epoch FROM now()) * 1000)::bigint - n * 60000::bigint \
         FROM (SELECT array_agg(id::text) AS ids, {owner}::text AS owner FROM projects WHERE user_id = {owner}) p, \
             generate_series(1, {actions}) n; \
         ANALYZE"
    ));
}

/// The page that leads through all of somebody's projects.
fn first_project(rig: &Rig, name: &str) -> String {
    rig.database.text(&format!(
        "SELECT p.id FROM projects p JOIN users u ON u.id = p.user_id WHERE u.email = '{name}@faults.test' LIMIT 1"
    ))
}

/// Does the worst beside a neighbour, and judges what that one saw. Answers what `worst` did.
fn beside<T>(rig: &Rig, console: &Console, verdict: &mut Verdict, worst: impl FnOnce() -> T) -> T {
    let load = neighbour(rig, console);
    load.serve_more(20);
    console.forget_peak();
    let from = Instant::now();
    let answer = worst();
    let memory = console.figure("VmHWM") / 1024;
    let mut samples = load.stop();
    samples.retain(|sample| sample.at >= from);
    let refused = samples.iter().filter(|sample| sample.ending == Ending::Unavailable).count();
    let unserved = samples.iter().find(|sample| sample.ending != Ending::Served);
    let mut took: Vec<u128> = samples.iter().map(|sample| sample.took.as_millis()).collect();
    took.sort_unstable();
    let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or(u128::MAX);
    verdict.see(format!(
        "{} pages, {refused} × 503, p50 {} ms, p95 {} ms; {memory} MiB at most",
        samples.len(),
        at(50),
        at(95)
    ));
    verdict.require(unserved.is_none(), || format!("{refused} × 503, such as {unserved:?}"));
    verdict.require(samples.len() >= 50, || format!("only {} pages", samples.len()));
    verdict.require(at(95) < 300, || format!("p95 {} ms", at(95)));
    verdict.require(memory <= 256, || format!("{memory} MiB"));
    verdict.count_requests(samples.len());
    answer
}

/// [`beside`] connections that ask without a pause.
fn hammered(
    rig: &Rig,
    console: &Console,
    verdict: &mut Verdict,
    connections: usize,
    request: impl Fn(&reqwest::Client, usize) -> reqwest::RequestBuilder + Send + Sync + 'static,
) -> Statuses {
    let statuses = beside(rig, console, verdict, || {
        let hammer = Hammer::start(connections, request);
        sleep(MEANWHILE);
        hammer.stop()
    });
    let all: usize = statuses.values().sum();
    verdict.see(format!("asked {all} times, answered {statuses:?}"));
    verdict.require(statuses.get(&0).is_none_or(|unanswered| *unanswered == 0), || {
        "some got no answer".to_owned()
    });
    verdict.require(all > 20, || "hardly anything was asked".to_owned());
    verdict.count_requests(all);
    statuses
}

fn get(client: &reqwest::Client, console: &str, person: &Person, path: &str) -> reqwest::RequestBuilder {
    client.get(format!("{console}{path}")).header(COOKIE, &person.cookie)
}

fn post(
    client: &reqwest::Client,
    console: &str,
    person: &Person,
    path: &str,
    form: &str,
) -> reqwest::RequestBuilder {
    client
        .post(format!("{console}{path}"))
        .header(COOKIE, &person.cookie)
        .header(ORIGIN, console)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.to_owned())
}

fn costly_filters(_: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    let person = rig.person("worst");
    fill(&rig, "worst", 200, 200_000, "'Deployed revision ' || md5(n::text)");
    let base = format!("http://{}", console.address);
    // Words that nothing holds: each source is walked to its end, for each of them.
    let words = |name: &str, sign: &str, count: usize| {
        (0..count).map(|n| format!("{name}={sign}word{n}")).collect::<Vec<_>>().join("&")
    };
    let filters = [
        words("type", "", 30),
        words("status", "", 30),
        words("actor", "", 30),
        format!("{}&environment=staging", words("type", "-", 29)),
        format!("{}&{}", words("type", "", 15), words("status", "", 15)),
        format!("{}&status=cancelled", words("environment", "-", 29)),
        format!("{}&ref=branch_name%3Amain&status=cancelled", words("type", "-", 28)),
    ];
    let paths = [filters.map(|filter| format!("/activity?limit=100&{filter}"))].concat();
    let statuses = hammered(&rig, &console, verdict, 12, move |client, n| {
        get(client, &base, &person, &paths[n % paths.len()])
    });
    only(&statuses, &[200, 503], verdict);
}

/// Requires that nothing but `known` was answered.
fn only(statuses: &Statuses, known: &[u16], verdict: &mut Verdict) {
    verdict.require(statuses.keys().all(|status| known.contains(status)), || format!("{statuses:?}"));
}

fn slow_readers(_: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    let person = rig.person("worst");
    fill(&rig, "worst", 1, 100, "repeat('<b class=\"x\">&''</b> ', 900000)");
    let project = first_project(&rig, "worst");
    // Sixteen megabytes, the most that is shown of a message.
    rig.database.sql(&format!(
        "INSERT INTO containers (container_id, name, status, image_name, assigned_port, user_id) \
         SELECT 'c1', 'app', 'running', 'node:22', 3000, user_id FROM projects WHERE id = '{project}'; \
         UPDATE projects SET container_id = (SELECT id FROM containers) WHERE id = '{project}'; \
         INSERT INTO chat_messages (container_id, session_id, role, content) \
         SELECT id, 's', 'user', repeat('😀', 4000000) FROM containers"
    ));
    let message = rig.database.text("SELECT id FROM chat_messages");
    let paths = [
        format!("/projects/{project}/activity?limit=100"),
        format!("/projects/{project}/chat/{message}/raw"),
        "/activity/worst-1/raw".to_owned(),
        "/activity/worst-2".to_owned(),
        "/activity/worst-3/raw".to_owned(),
    ];
    let taken = Arc::new(AtomicUsize::new(0));
    let address = console.address;
    beside(&rig, &console, verdict, || {
        let tasks: Vec<_> = (0..25)
            .map(|n| {
                let request = head("GET", &paths[n % paths.len()], address, &person, 0);
                let taken = Arc::clone(&taken);
                RUNTIME.spawn(async move {
                    loop {
                        let Ok(mut stream) = slow_client(address, &request) else { continue };
                        let mut bytes = [0_u8; 1000];
                        while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                            taken.fetch_add(count, Ordering::Relaxed);
                            tokio::time::sleep(Duration::from_millis(100)).await;
                        }
                    }
                })
            })
            .collect();
        sleep(MEANWHILE * 2);
        for task in tasks {
            task.abort();
        }
    });
    let taken = taken.load(Ordering::Relaxed) / 1000;
    verdict.see(format!("they took {taken} kB"));
    verdict.require(taken > 500, || "they took hardly anything".to_owned());
}

fn fat_rows(_: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    let person = rig.person("worst");
    fill(&rig, "worst", 1, 400, "repeat('<b class=\"x\">&''</b> ', 50000)");
    let project = first_project(&rig, "worst");
    let base = format!("http://{}", console.address);
    let statuses = hammered(&rig, &console, verdict, 12, move |client, n| match n % 4 {
        0 => {
            let format = if n % 8 == 0 { "format=csv" } else { "format=jsonl" };
            post(client, &base, &person, &format!("/projects/{project}/activity/export"), format)
        }
        1 => get(client, &base, &person, &format!("/api/projects/{project}/activities?limit=200")),
        2 => get(client, &base, &person, &format!("/api/projects/{project}/activities?limit=100&offset=100")),
        _ => get(client, &base, &person, &format!("/projects/{project}/activity?limit=100")),
    });
    only(&statuses, &[200, 400, 429, 503], verdict);
    verdict.require(statuses.get(&200).is_some_and(|served| *served > 20), || {
        "hardly any was served".to_owned()
    });
}

fn readiness(_: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    let base = format!("http://{}", console.address);
    let statuses =
        hammered(&rig, &console, verdict, 300, move |client, _| client.get(format!("{base}/readyz")));
    only(&statuses, &[200], verdict);
}

fn idle_at_the_limit(_: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let mut recipe = rig.recipe();
    recipe.under = ["prlimit", "--nofile=1024:1024", "--"].map(str::to_owned).to_vec();
    let console = recipe.serve();
    let address = console.address;
    let opened = Arc::new(AtomicUsize::new(0));
    let most = beside(&rig, &console, verdict, || {
        let tasks: Vec<_> = (0..1400)
            .map(|_| {
                let opened = Arc::clone(&opened);
                RUNTIME.spawn(async move {
                    loop {
                        if let Ok(mut stream) = tokio::net::TcpStream::connect(address).await {
                            opened.fetch_add(1, Ordering::Relaxed);
                            // Half a head: it waits for the rest.
                            let _ = stream.write_all(b"GET / HTTP/1.1\r\n").await;
                            let _ = stream.read(&mut [0_u8; 1000]).await;
                        }
                        tokio::time::sleep(Duration::from_millis(500)).await;
                    }
                })
            })
            .collect();
        sleep(MEANWHILE / 4);
        let most = console.descriptors();
        sleep(MEANWHILE);
        for task in tasks {
            task.abort();
        }
        most
    });
    let opened = opened.load(Ordering::Relaxed);
    verdict.see(format!("{opened} were opened, {most} files open"));
    verdict.require(opened >= 1400, || format!("only {opened} were opened"));
    verdict.count_requests(opened);
}

fn acts(_: u32, verdict: &mut Verdict) {
    let rig = Rig::new();
    let console = rig.recipe().serve();
    let person = rig.person("worst");
    let base = format!("http://{}", console.address);
    let statuses = hammered(&rig, &console, verdict, 12, move |client, n| {
        let theme = if n % 2 == 0 { "theme=dark" } else { "theme=light" };
        post(client, &base, &person, "/account/preferences", theme)
    });
    only(&statuses, &[303, 429, 503], verdict);
    let entries =
        rig.database.text("SELECT count(*) FROM \"ActivityLog\" WHERE \"actorEmail\" = 'worst@faults.test'");
    verdict.see(format!("{entries} entries"));
    verdict.require(entries.parse::<u32>().is_ok_and(|entries| (1..=300).contains(&entries)), || {
        format!("{entries} entries")
    });
}
