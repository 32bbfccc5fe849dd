//! What runs for years: insights at a tenth of the rows and at all of them, deletion and backup beside pages.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;

use crate::load::{Run, median, pages};
use crate::report::{Table, figure, ratio};
use crate::stage::{self, Stage};
use crate::{Wishes, biggest, timeline_of_biggest};

/// Waits until everything is counted.
fn counted(stage: &Stage) {
    let mut conn = stage.connect();
    let give_up = Instant::now() + Duration::from_mins(30);
    while stage::text(
        &mut conn,
        "NOT EXISTS (SELECT FROM pilothouse.recount_marks) AND NOT EXISTS (SELECT FROM pilothouse.insight_marks) \
         AND EXISTS (SELECT FROM pilothouse.rollups WHERE name = 'insights' AND as_of IS NOT NULL)",
    ) == "false"
    {
        assert!(Instant::now() < give_up, "insights are not counted");
        std::thread::sleep(Duration::from_millis(500));
    }
    conn.batch_execute("VACUUM ANALYZE pilothouse.daily_kinds, pilothouse.daily_events").unwrap();
}

type PathOf = fn(&Stage) -> String;

/// The same pages at a tenth of the rows and at all of them.
pub fn insights(wishes: &Wishes, stage: &Stage) {
    let few = wishes.rows / 10;
    let small = Stage::start(&wishes.program, &wishes.dir.join(few.to_string()), few);
    let stages = [&small, stage];
    for stage in stages {
        counted(stage);
    }
    println!("## Insights\n\nThirty days, one client, in turn; medians.\n");
    let mut table = Table::new(&["page", "rows", "p50 ms", "CPU ms a page", "to few"]);
    let asked: [(&str, PathOf, bool); 4] = [
        ("`/projects/…/insights`", |stage| format!("/projects/{}/insights", biggest(stage)), false),
        ("`/insights` of an admin", |_| "/insights".to_owned(), true),
        ("`/insights`, a year", |_| year(), true),
        ("`GET /api/insights/codebase`", |_| "/api/insights/codebase".to_owned(), true),
    ];
    for (name, path, of_admin) in asked {
        let mut runs: [Vec<Run>; 2] = Default::default();
        for _ in 0..wishes.rounds {
            for (stage, runs) in stages.into_iter().zip(&mut runs) {
                let who = if of_admin { &stage.admin } else { &stage.one };
                runs.push(pages(stage, &path(stage), &who.cookie, 1, wishes.seconds));
            }
        }
        let [few, many] = runs.map(median);
        for (stage, run, to_few) in
            [(stages[0], few, String::new()), (stages[1], many, ratio(many.cpu() / few.cpu()))]
        {
            table.row(&[
                name.to_owned(),
                stage.rows.to_string(),
                figure(run.p50_ms),
                figure(run.cpu()),
                to_few,
            ]);
        }
    }
    table.print();
}

fn year() -> String {
    let today = chrono::Utc::now().date_naive();
    format!("/insights?from={}&to={today}", today - chrono::Days::new(364))
}

/// A page before, while and after something else works on the database, which answers with what there is to say of it.
fn beside(wishes: &Wishes, stage: &Stage, what: &str, work: impl FnOnce() -> String + Send) {
    let path = timeline_of_biggest(stage);
    let asked = |seconds| pages(stage, &path, &stage.one.cookie, 4, seconds);
    let before = asked(wishes.seconds);
    let began = Instant::now();
    let (mut runs, said) = std::thread::scope(|scope| {
        let work = scope.spawn(work);
        let mut runs = vec![asked(1)];
        while !work.is_finished() {
            runs.push(asked(1));
        }
        (runs, work.join().unwrap())
    });
    let took = began.elapsed().as_secs_f64();
    if runs.len() > 2 {
        // The last second saw its end.
        runs.pop();
    }
    let worst = runs.iter().map(|run| run.p99_ms).fold(0.0, f64::max);
    let during = median(runs);
    println!(
        "{what} took {took:.1} s beside four clients who ask for the timeline as fast as they are answered. {said} Pages: p50 \
         {} ms and p99 {} ms ({} ms in the worst second), {:.0} a second; without it {} and {} ms, {:.0} a second.\n",
        figure(during.p50_ms),
        figure(during.p99_ms),
        figure(worst),
        during.per_second,
        figure(before.p50_ms),
        figure(before.p99_ms),
        before.per_second,
    );
}

fn command(wishes: &Wishes, dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new(&wishes.program)
        .args(arguments)
        .env("PILOTHOUSE_DATA_DIR", dir)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().replace('\n', " ")
}

/// Half of as many chat messages as there are actions, deleted because they are over.
pub fn retention(wishes: &Wishes, stage: &Stage) {
    let half = stage.rows / 2;
    stage
        .connect()
        .batch_execute(&format!(
            "INSERT INTO chat_messages (container_id, session_id, role, content, created_at) \
             SELECT c.id, 'bench' || n / 20, 'user', 'a message of some length, as they are', \
                    now() - CASE WHEN n % 2 = 0 THEN interval '200 days' ELSE interval '100 days' END - n * interval '1 second' \
             FROM generate_series(1, {}) n, (SELECT id FROM containers ORDER BY id LIMIT 1) c; ANALYZE chat_messages",
            half * 2
        ))
        .unwrap();
    println!("## Retention\n");
    let dir = wishes.dir.join(wishes.rows.to_string());
    beside(wishes, stage, &format!("Deleting {half} of {} chat messages", half * 2), || {
        command(wishes, &dir, &["retention"])
    });
    stage.connect().batch_execute("DELETE FROM chat_messages WHERE session_id LIKE 'bench%'").unwrap();
}

/// A backup of everything.
pub fn backup(wishes: &Wishes, stage: &Stage) {
    println!("## Backup\n");
    let dir = wishes.dir.join(wishes.rows.to_string());
    beside(wishes, stage, "A backup", || {
        let mut conn = stage.connect();
        let bytes = stage::text(&mut conn, "pg_size_pretty(pg_database_size(current_database()))");
        let said = command(wishes, &dir, &["backup", "create"]);
        format!("The database has {bytes}; {said}.")
    });
}
