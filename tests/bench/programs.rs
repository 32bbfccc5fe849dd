//! What programs ask: reporting, beside pgbench that does the same to the database; the feed and a thread, beside the
//! timeline's page.

use std::fs;

use diesel::connection::SimpleConnection;
use pilothouse::db::SecretHash;
use pilothouse::postgres::SUPERUSER;

use crate::load::{Run, median, middle, pages, sent, transactions};
use crate::report::{Table, figure, ratio};
use crate::stage::Stage;
use crate::{Wishes, biggest, timeline_of_biggest};

const TOKEN: &str = "ph_a_token_that_only_the_bench_knows";

fn make_token(stage: &Stage) {
    let (hash, one, project) = (SecretHash::of(TOKEN), &stage.one.id, biggest(stage));
    stage
        .connect()
        .batch_execute(&format!(
            "INSERT INTO pilothouse.api_tokens (hash, name, created_by, scopes) \
             VALUES ('{0}', 'bench', '{one}', '{{read,report}}') ON CONFLICT DO NOTHING; \
             INSERT INTO pilothouse.api_token_projects SELECT id, '{project}' FROM pilothouse.api_tokens WHERE hash = '{0}' \
             ON CONFLICT DO NOTHING",
            hash.as_str()
        ))
        .unwrap();
}

/// The transaction of a report without the console: who it is, the key, the rows, whose they are.
fn same_transaction(stage: &Stage, rows: u32) -> String {
    let (hash, project) = (SecretHash::of(TOKEN), biggest(stage));
    format!(
        "\\set n random(1, 1000000000)\n\
         BEGIN;\n\
         SELECT pilothouse.enter_token('{}');\n\
         INSERT INTO pilothouse.idempotency_keys (principal, key, request_hash, status, answer) \
         VALUES (pilothouse.app_principal(), 'bench' || :n || random(), md5(:n::text), 201, '{{}}');\n\
         WITH kept AS (INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, action_details, status, \
             environment, reference_ids, created_at) \
         SELECT 'rep_' || :n || '_' || g || random(), '{project}', 'deployment', \
             'Deployed revision after the health check had answered twice', 'success', 'production', \
             jsonb_build_object('deployment_id', 'deploy_' || g || :n, 'branch_name', 'main'), \
             floor(extract(epoch FROM now()) * 1000)::bigint FROM generate_series(1, {rows}) g RETURNING action_id) \
         INSERT INTO pilothouse.reports (source, id, token_id) SELECT 'action', k.action_id, pilothouse.app_token_id() FROM kept k;\n\
         COMMIT;\n",
        hash.as_str()
    )
}

/// The same for wrk: a new key and new deployments each time.
fn script(stage: &Stage, rows: u32, round: usize) -> String {
    let all: Vec<String> = (0..rows)
        .map(|row| {
            format!(
                r#"{{"action_type":"deployment","action_details":"Deployed revision after the health check had answered twice","status":"success","environment":"production","reference_ids":{{"deployment_id":"deploy_@_{row}","branch_name":"main"}}}}"#
            )
        })
        .collect();
    let body = if rows == 1 { all[0].clone() } else { format!(r#"{{"activities":[{}]}}"#, all.join(",")) };
    let run = format!("{}-{rows}-{round}", std::process::id());
    format!(
        "local n = 0\nlocal body = [[{body}]]\n\
         wrk.headers['Authorization'] = 'Bearer {TOKEN}'\nwrk.headers['Content-Type'] = 'application/json'\n\
         request = function()\n  n = n + 1\n  local id = '{run}-' .. os.time() .. '-' .. n\n\
         wrk.headers['Idempotency-Key'] = id\n\
         return wrk.format('POST', '/api/projects/{}/activities', nil, (body:gsub('@', id)))\nend\n",
        biggest(stage)
    )
}

pub fn reporting(wishes: &Wishes, stage: &Stage) {
    make_token(stage);
    println!(
        "## Reporting\n\nAt 8 clients, each report with a key of its own. *Same transaction* is pgbench: BEGIN, `enter_token`, the \
         key, the rows and whose they are, COMMIT.\n"
    );
    let mut table =
        Table::new(&["rows", "who", "a second", "p99 ms", "CPU console", "CPU PostgreSQL", ": same rate"]);
    let dir = own_directory();
    for rows in [1, 100] {
        let mut runs: [Vec<Run>; 2] = Default::default();
        for round in 0..wishes.rounds {
            let same = same_transaction(stage, rows);
            runs[0].push(transactions(stage, SUPERUSER, &same, &[], 8, wishes.seconds));
            let file = dir.join("report.lua");
            fs::write(&file, script(stage, rows, round)).unwrap();
            runs[1].push(sent(stage, &file, 8, wishes.seconds));
        }
        let rate = middle(
            runs[1].iter().zip(&runs[0]).map(|(ours, same)| ours.per_second / same.per_second).collect(),
        );
        let [same, ours] = runs.map(median);
        for (who, run, rate) in [("same transaction", same, None), ("console", ours, Some(rate))] {
            table.row(&[
                rows.to_string(),
                who.to_owned(),
                format!("{:.0}", run.per_second),
                figure(run.p99_ms),
                if rate.is_some() { figure(run.console_cpu) } else { String::new() },
                figure(run.database_cpu),
                rate.map_or(String::new(), ratio),
            ]);
        }
    }
    table.print();
    println!("CPU is seconds per 1,000 reports. Wanted: at least 0.50 for one row, 0.70 for a hundred.\n");
    fs::remove_dir_all(dir).unwrap();
    stage.connect().batch_execute("DELETE FROM pilothouse.idempotency_keys").unwrap();
    stage.forget_actions("rep\\_%");
    // Those that the console named: longer than the seeded ones.
    stage.forget_actions(&format!("act\\_{}", "_".repeat(32)));
}

fn own_directory() -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("pilothouse-reports-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// The feed and a thread against the plain timeline page: at most 1.0 and 1.5 times its CPU.
pub fn threads(wishes: &Wishes, stage: &Stage) {
    let project = biggest(stage);
    stage
        .connect()
        .batch_execute(&format!(
            "INSERT INTO turbobackend.project_actions (action_id, project_id, action_type, action_details, status, reference_ids, created_at) \
             SELECT 'thread_' || n, '{project}', 'deployment', 'One of ten thousand', 'success', \
                 CASE WHEN n > 0 THEN jsonb_build_object('caused_by', 'thread_' || (n - 1) / 2) END, \
                 floor(extract(epoch FROM now()) * 1000)::bigint - 10000 + n \
             FROM generate_series(0, 9999) n ON CONFLICT DO NOTHING"
        ))
        .unwrap();
    let plain = timeline_of_biggest(stage);
    println!(
        "## Feed and thread\n\nCPU of both per 1,000 at 8 clients; the ratio is to the timeline's page beside it.\n"
    );
    let mut table = Table::new(&["what", "a second", "p99 ms", "CPU", ": page", "wanted"]);
    let one = &stage.one;
    for (name, path, wanted) in [
        ("the feed", "/api/activity/feed?limit=50".to_owned(), "1.00"),
        ("the feed of a project", format!("/api/activity/feed?limit=50&projectId={project}"), "1.00"),
        ("a thread of 10,000, its beginning", "/threads/action:thread_0".to_owned(), "1.50"),
        ("the same thread from its last entry", "/threads/action:thread_9999".to_owned(), "1.50"),
    ] {
        let (mut runs, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..wishes.rounds {
            let page = pages(stage, &plain, &one.cookie, 8, wishes.seconds);
            let other = pages(stage, &path, &one.cookie, 8, wishes.seconds);
            ratios.push(other.cpu() / page.cpu());
            runs.push(other);
        }
        let run = median(runs);
        table.row(&[
            name.to_owned(),
            format!("{:.0}", run.per_second),
            figure(run.p99_ms),
            figure(run.cpu()),
            ratio(middle(ratios)),
            wanted.to_owned(),
        ]);
    }
    table.print();
    stage.forget_actions("thread\\_%");
}
