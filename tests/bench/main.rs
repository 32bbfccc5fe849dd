//! `bin/bench`: what the console costs, as ratios of one run.
//!
//! Every figure is CPU or time of this machine and this minute; what may be compared are the ratios, whose two
//! sides ran in turn. The load comes from wrk and pgbench, so that this program's own work is not in the figures.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::zombie_processes,
    reason = "it prints figures; what can't be set up ends it, and the console is waited for where it is stopped"
)]

mod cpu;
mod http;
mod intake;
mod load;
mod programs;
mod report;
mod stage;
mod statements;
mod watched;
mod years;

use std::path::PathBuf;
use std::time::Instant;

use load::{Run, median, middle, packed_pages, pages, transactions};
use pilothouse::postgres::SUPERUSER;
use report::{Table, figure, ratio};
use stage::{Person, Stage};

/// What is asked for by the environment; see `bin/bench --help`.
struct Wishes {
    program: PathBuf,
    dir: PathBuf,
    rows: u64,
    rounds: usize,
    seconds: u32,
    /// Connections at once, in the page's table.
    clients: Vec<u32>,
    /// Only these sections; all of them when empty.
    only: Vec<String>,
}

impl Wishes {
    fn read() -> Self {
        let text = |name: &str| std::env::var(name).ok();
        let number = |name: &str, default: u64| {
            text(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}")))
        };
        let words = |name: &str, default: &str| {
            let words = text(name).unwrap_or_else(|| default.to_owned());
            words.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        Self {
            program: text("PILOTHOUSE").expect("PILOTHOUSE: the program; bin/bench sets it").into(),
            dir: text("BENCH_DIR").expect("BENCH_DIR: where databases are kept; bin/bench sets it").into(),
            rows: number("BENCH_ROWS", 1_000_000),
            rounds: number("BENCH_ROUNDS", 3) as usize,
            seconds: number("BENCH_SECONDS", 3) as u32,
            clients: words("BENCH_CLIENTS", "1 8 64").iter().map(|word| word.parse().unwrap()).collect(),
            only: words("BENCH_ONLY", ""),
        }
    }

    fn wants(&self, section: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == section)
    }
}

type Section = fn(&Wishes, &Stage);

/// In the order in which they run. `start` comes last, and ends the stage.
const SECTIONS: &[(&str, Section)] = &[
    ("page", against_pgbench),
    ("flatness", flatness),
    ("size", size),
    ("storage", |_, stage| storage(stage)),
    ("writes", writes),
    ("reporting", programs::reporting),
    ("thread", programs::threads),
    ("streams", watched::streams),
    ("assistant", intake::turns),
    ("funnel", intake::funnel),
    ("export", |_, stage| export(stage)),
    ("insights", years::insights),
    ("retention", years::retention),
    ("backup", years::backup),
];

fn main() {
    let wishes = Wishes::read();
    let stage = Stage::start(&wishes.program, &wishes.dir.join(wishes.rows.to_string()), wishes.rows);
    println!(
        "{} actions, 2,000 projects, 500 users; {} rounds of {} s each, in turn; medians.\n",
        wishes.rows, wishes.rounds, wishes.seconds
    );
    println!("Idle after the start: {:.0} MiB resident.\n", stage.memory());
    for (name, section) in SECTIONS {
        if wishes.wants(name) {
            section(&wishes, &stage);
        }
    }
    if wishes.wants("start") {
        let (took, idle) = stage.restart(&wishes.program);
        println!("## Start\n");
        println!("From the start to the first page on an existing database: {:.2} s.", took.as_secs_f64());
        println!("Resident two seconds later: {idle:.0} MiB.\n");
    }
}

/// The project that holds a tenth of all actions.
fn biggest(stage: &Stage) -> String {
    let query = format!("SELECT id FROM projects WHERE user_id = '{}'", stage.one.id);
    stage::text(&mut stage.connect(), &query)
}

fn timeline_of_biggest(stage: &Stage) -> String {
    format!("/projects/{}/activity", biggest(stage))
}

/// The same page from the console and, as far as its statements go, from pgbench.
fn against_pgbench(wishes: &Wishes, stage: &Stage) {
    let path = timeline_of_biggest(stage);
    let script = statements::of_page(stage, &path, &stage.one.cookie);
    let bytes = |path: &str, person: &Person| http::get(&stage.base, path, &person.cookie).body.len();
    let (page, admins) = (bytes(&path, &stage.one), bytes("/activity", &stage.admin));
    println!("## The timeline page\n");
    println!(
        "`/projects/…/activity`, 50 entries, {page} bytes ({admins} for an admin's `/activity`), {} round trips. pgbench runs the page's own statements in \
         one pipeline; *bare* is a session look-up, a project look-up and 51 actions without policies.\n",
        script.round_trips
    );
    let bare = bare_script(stage);
    let mut table = Table::new(&[
        "clients",
        "who",
        "a second",
        "p50 ms",
        "p99 ms",
        "CPU console",
        "CPU PostgreSQL",
        "CPU both",
        ": same",
        ": bare",
    ]);
    for &clients in &wishes.clients {
        let mut runs: [Vec<Run>; 4] = Default::default();
        for _ in 0..wishes.rounds {
            runs[0].push(transactions(stage, SUPERUSER, &bare, &[], clients, wishes.seconds));
            // pgbench prepares before the transaction has a role, so it must be able to see everything first.
            let (text, variables) = (&script.text, &script.variables);
            runs[1].push(transactions(stage, SUPERUSER, text, variables, clients, wishes.seconds));
            runs[2].push(pages(stage, &path, &stage.one.cookie, clients, wishes.seconds));
            runs[3].push(packed_pages(stage, &path, &stage.one.cookie, clients, wishes.seconds));
        }
        let ratios = |of: usize| {
            let to = |floor: usize| {
                let pairs = runs[of].iter().zip(&runs[floor]);
                middle(pairs.map(|(ours, floor)| ours.cpu() / floor.database_cpu).collect())
            };
            Some((to(1), to(0)))
        };
        let (plain, packed) = (ratios(2), ratios(3));
        let [bare, same, console, browser] = runs.map(median);
        for (who, run, ratios) in [
            ("bare", bare, None),
            ("same statements", same, None),
            ("console", console, plain),
            ("console, gzip", browser, packed),
        ] {
            table.row(&[
                clients.to_string(),
                who.to_owned(),
                format!("{:.0}", run.per_second),
                figure(run.p50_ms),
                figure(run.p99_ms),
                if ratios.is_some() { figure(run.console_cpu) } else { String::new() },
                figure(run.database_cpu),
                figure(if ratios.is_some() { run.cpu() } else { run.database_cpu }),
                ratios.map_or(String::new(), |(same, _)| ratio(same)),
                ratios.map_or(String::new(), |(_, bare)| ratio(bare)),
            ]);
        }
    }
    table.print();
    println!("CPU is seconds per 1,000 pages. Resident after that: {:.0} MiB.\n", stage.memory());
}

/// What any server would have to ask for this page.
fn bare_script(stage: &Stage) -> String {
    let mut conn = stage.connect();
    let session = stage::text(
        &mut conn,
        &format!(
            "SELECT token FROM sessions WHERE user_id = '{}' ORDER BY created_at DESC LIMIT 1",
            stage.one.id
        ),
    );
    let project = biggest(stage);
    format!(
        "\\startpipeline\n\
         SELECT u.id, u.email, u.name, u.role FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token = '{session}' AND s.is_active;\n\
         SELECT id, name, status FROM projects WHERE id = '{project}';\n\
         SELECT action_id, user_id, request_id, action_type, action_details, status, environment, reference_ids, created_at \
         FROM turbobackend.project_actions WHERE project_id = '{project}' \
         ORDER BY created_at DESC, action_id COLLATE \"C\" DESC LIMIT 51;\n\
         \\endpipeline\n"
    )
}

/// CPU of one page over another's, as the median of pairs in turn.
fn compared(wishes: &Wishes, stage: &Stage, plain: (&str, &Person), other: (&str, &Person)) -> (Run, f64) {
    let mut runs = Vec::new();
    let mut ratios = Vec::new();
    for _ in 0..wishes.rounds {
        let one = pages(stage, plain.0, &plain.1.cookie, 8, wishes.seconds);
        let two = pages(stage, other.0, &other.1.cookie, 8, wishes.seconds);
        ratios.push(two.cpu() / one.cpu());
        runs.push(two);
    }
    (median(runs), middle(ratios))
}

fn cursor(stage: &Stage, condition: &str) -> String {
    let query = format!(
        "SELECT created_at || '.a.' || action_id FROM turbobackend.project_actions WHERE {condition} \
         ORDER BY created_at DESC, action_id COLLATE \"C\" DESC OFFSET 50000 LIMIT 1"
    );
    stage::text(&mut stage.connect(), &query)
}

/// Deep pages and filtered ones against the plain first one.
fn flatness(wishes: &Wishes, stage: &Stage) {
    let project = timeline_of_biggest(stage);
    let (one, many, admin) = (&stage.one, &stage.many, &stage.admin);
    let rare = &stage.rare;
    let commit = stage::text(
        &mut stage.connect(),
        "SELECT reference_ids->>'commit_sha' FROM turbobackend.project_actions ORDER BY created_at LIMIT 1",
    );
    let deep_project = cursor(stage, &format!("project_id = '{}'", biggest(stage)));
    let deep = cursor(stage, "true");
    let mut cases: Vec<(&str, &Person, String)> = vec![
        ("first page of a project", one, project.clone()),
        ("50,000 rows deep in it", one, format!("{project}?before={deep_project}")),
        ("of everything, admin", admin, "/activity".to_owned()),
        ("50,000 rows deep, admin", admin, format!("/activity?before={deep}")),
        ("of one project's owner", one, "/activity".to_owned()),
        ("of 200 projects' owner", many, "/activity".to_owned()),
        ("rare type, admin", admin, "/activity?type=database_creation".to_owned()),
        ("rare status, admin", admin, "/activity?status=cancelled".to_owned()),
        ("rare actor, admin", admin, format!("/activity?actor={rare}")),
        ("a reference, admin", admin, format!("/activity?ref=commit_sha:{commit}")),
        ("rare type, project", one, format!("{project}?type=database_creation")),
        ("rare status, project", one, format!("{project}?status=cancelled")),
        ("rare actor, project", one, format!("{project}?actor={rare}")),
        ("rare type, 200 projects", many, "/activity?type=database_creation".to_owned()),
        ("rare status, 200 projects", many, "/activity?status=cancelled".to_owned()),
        ("the activities API", one, format!("/api/projects/{}/activities", biggest(stage))),
    ];
    println!(
        "## Flatness\n\nCPU of both per 1,000 pages at 8 clients; the ratio is to the plain page beside it.\n"
    );
    let plain = cases.remove(0);
    let mut table = Table::new(&["page", "a second", "p99 ms", "CPU", ": plain"]);
    for (name, person, path) in cases {
        let (run, to_plain) = compared(wishes, stage, (&plain.2, plain.1), (&path, person));
        table.row(&[
            name.to_owned(),
            format!("{:.0}", run.per_second),
            figure(run.p99_ms),
            figure(run.cpu()),
            ratio(to_plain),
        ]);
    }
    table.print();
}

/// The same page on a hundredth of the rows.
fn size(wishes: &Wishes, stage: &Stage) {
    let rows = stage.rows / 100;
    let small = Stage::start(&wishes.program, &wishes.dir.join(rows.to_string()), rows);
    let (here, there) = (timeline_of_biggest(stage), timeline_of_biggest(&small));
    let mut ratios = Vec::new();
    for _ in 0..wishes.rounds {
        let big = pages(stage, &here, &stage.one.cookie, 8, wishes.seconds);
        let little = pages(&small, &there, &small.one.cookie, 8, wishes.seconds);
        ratios.push(big.cpu() / little.cpu());
    }
    println!(
        "## Size\n\nThe page with {} rows costs {} of what it costs with {rows}.\n",
        stage.rows,
        ratio(middle(ratios))
    );
}

/// What a worker inserts, one row or a hundred at a time, into the living table and into the one that its document
/// describes.
fn writes(wishes: &Wishes, stage: &Stage) {
    let project = biggest(stage);
    let insert = |schema: &str, rows: u32| {
        format!(
            "\\set n random(1, 1000000000)\n\
             INSERT INTO {schema}.project_actions SELECT 'new_' || :n || '_' || g || random()::text, '{project}', '{}', \
             'req_' || :n, 'deployment', 'Deployed revision after the health check had answered twice', 'success', 'production', \
             jsonb_build_object('commit_sha', md5(g || '/' || :n), 'deployment_id', 'deploy_' || g || :n, 'branch_name', 'main'), \
             floor(extract(epoch FROM now()) * 1000)::bigint FROM generate_series(1, {rows}) g;\n",
            stage.one.id
        )
    };
    println!("## A worker's inserts\n");
    let mut table = Table::new(&["rows", "table", "a second", "p99 ms", "CPU", ": bare", "WAL bytes a row"]);
    let mut conn = stage.connect();
    // What is swept up afterwards is not what a row costs, and comes at random.
    set(&mut conn, "autovacuum = off");
    for rows in [1, 100] {
        let schemas = ["bare", "turbobackend"];
        let mut runs: [Vec<Run>; 2] = Default::default();
        let mut written = [0.0, 0.0];
        for _ in 0..wishes.rounds {
            for (at, schema) in schemas.into_iter().enumerate() {
                runs[at].push(transactions(stage, SUPERUSER, &insert(schema, rows), &[], 8, wishes.seconds));
            }
        }
        // Whole pages come with each checkpoint, whatever is changed: they are left out.
        set(&mut conn, "full_page_writes = off");
        for (at, schema) in schemas.into_iter().enumerate() {
            let before = wal_bytes(&mut conn);
            let run = transactions(stage, SUPERUSER, &insert(schema, rows), &[], 8, 2);
            written[at] = (wal_bytes(&mut conn) - before) / run.done / f64::from(rows);
        }
        set(&mut conn, "full_page_writes = on");
        let pairs = runs[1].iter().zip(&runs[0]);
        let costs = middle(pairs.map(|(ours, bare)| ours.database_cpu / bare.database_cpu).collect());
        let ratios = [String::new(), ratio(costs)];
        for (((run, name), to_bare), written) in
            runs.map(median).into_iter().zip(["as its document has it", "as it is"]).zip(ratios).zip(written)
        {
            table.row(&[
                rows.to_string(),
                name.to_owned(),
                format!("{:.0}", run.per_second),
                figure(run.p99_ms),
                figure(run.database_cpu),
                to_bare,
                format!("{written:.0}"),
            ]);
        }
    }
    table.print();
    set(&mut conn, "autovacuum = on");
    stage.forget_actions("new\\_%");
}

fn set(conn: &mut diesel::PgConnection, setting: &str) {
    for statement in [&format!("ALTER SYSTEM SET {setting}"), "SELECT pg_reload_conf()"] {
        diesel::connection::SimpleConnection::batch_execute(conn, statement).unwrap();
    }
}

fn wal_bytes(conn: &mut diesel::PgConnection) -> f64 {
    // Backends tell when they end, which those of pgbench have.
    std::thread::sleep(std::time::Duration::from_millis(1200));
    stage::text(conn, "SELECT wal_bytes FROM pg_stat_wal").parse().unwrap()
}

/// What a million actions take, table by table, freshly written.
fn storage(stage: &Stage) {
    let mut conn = stage.connect();
    println!("## Storage\n\nMB for a million actions, as they were first written.\n");
    let mut table = Table::new(&["table", "rows", "indexes", "together"]);
    let entries = "(SELECT reltuples FROM pg_class WHERE oid = 'pilothouse.timeline'::regclass)";
    let mut whole = 0.0;
    for (name, rows) in [
        ("turbobackend.project_actions", stage.rows.to_string()),
        ("pilothouse.timeline", entries.to_owned()),
        ("turbobackend.action_references", stage.rows.to_string()),
        ("bare.project_actions", stage.rows.to_string()),
    ] {
        let mut megabytes = |of: &str| -> f64 {
            stage::text(&mut conn, &format!("{of}('{name}')::float8 / {rows}")).parse().unwrap()
        };
        let (heap, indexes) = (megabytes("pg_table_size"), megabytes("pg_indexes_size"));
        if !name.starts_with("bare") {
            whole += heap + indexes;
        }
        table.row(&[name.to_owned(), figure(heap), figure(indexes), figure(heap + indexes)]);
    }
    table.print();
    println!("Together, *bare* aside: {} MB a million actions.\n", figure(whole));
}

/// Everything as CSV, through a reader that takes it as fast as it comes.
fn export(stage: &Stage) {
    cpu::forget_peak(stage.pid());
    let (before, began, used) = (stage.memory(), Instant::now(), stage.cpu());
    let (status, bytes) = http::drain(&stage.base, "/activity/export", &stage.admin.cookie, "format=csv");
    assert_eq!(status, 200, "the export");
    let (took, after) = (began.elapsed().as_secs_f64(), stage.cpu());
    println!("## Export\n");
    println!(
        "Everything as CSV: {:.0} MB in {took:.1} s ({:.0} rows a second), CPU {:.1} s console and {:.1} s PostgreSQL; \
         resident {before:.0} MiB before, {:.0} MiB at its peak.\n",
        bytes as f64 / 1e6,
        stage.rows as f64 / took,
        after.0 - used.0,
        after.1 - used.1,
        cpu::peak_mib(stage.pid())
    );
}
