//! The assistant: a turn of the built-in provider beside the timeline's page, and the funnel at two sizes.

use std::fs;

use diesel::connection::SimpleConnection;
use pilothouse::db::SecretHash;
use pilothouse::http::cookies;
use pilothouse::runtime::Entropy;

use crate::load::{Run, median, middle, pages, sent};
use crate::report::{Table, figure, ratio};
use crate::stage::{self, Stage};
use crate::{Wishes, http, timeline_of_biggest};

/// Conversations that take turns, so that none comes near its sixty messages.
const VISITORS: usize = 4_000;

/// What they say, one after the other.
const MESSAGES: [&str; 4] = [
    "I need an online shop for small bakeries with login and payments via Stripe, budget 5k to 10k EUR, in 3 months",
    "They can search it and write reviews",
    "It is for bakeries in Berlin, with invoices for each order",
    "You reach me at grace@example.org",
];

/// Conversations that are about to begin: the secrets of those who hold them.
fn visitors(stage: &Stage) -> Vec<String> {
    let secrets: Vec<String> = (0..VISITORS).map(|_| Entropy.secret()).collect();
    let rows: Vec<String> = secrets
        .iter()
        .enumerate()
        .map(|(n, secret)| {
            format!("('{}', 'bench_{n}', now() + interval '1 day')", SecretHash::of(secret).as_str())
        })
        .collect();
    let mut conn = stage.connect();
    forget_visitors(stage);
    conn.batch_execute(&format!(
        "INSERT INTO ai_assistant_sessions (session_id, session_data) \
         SELECT 'bench_' || n, '{{\"asked\": \"goal\", \"notice\": \"2026-11\"}}' FROM generate_series(0, {}) n; \
         INSERT INTO pilothouse.guests (hash, session_id, expires_at) VALUES {}",
        VISITORS - 1,
        rows.join(", ")
    ))
    .unwrap();
    conn.batch_execute("VACUUM (ANALYZE) ai_assistant_sessions, job_drafts, analytics, pilothouse.guests")
        .unwrap();
    secrets
}

fn forget_visitors(stage: &Stage) {
    let mut conn = stage.connect();
    for table in ["analytics", "job_drafts", "pilothouse.guests", "ai_assistant_sessions"] {
        conn.batch_execute(&format!("DELETE FROM {table} WHERE session_id LIKE 'bench\\_%'")).unwrap();
    }
}

/// Each visitor says the first sentence, then each the second, and on.
fn script(stage: &Stage, secrets: &[String]) -> String {
    let secrets: Vec<String> = secrets.iter().map(|secret| format!("'{secret}'")).collect();
    let forms: Vec<String> = MESSAGES
        .iter()
        .map(|text| format!("'text={}'", text.replace('@', "%40").replace(' ', "+")))
        .collect();
    format!(
        "local secrets = {{{}}}\nlocal forms = {{{}}}\nlocal n = -1\n\
         wrk.headers['Origin'] = '{}'\nwrk.headers['Sec-Fetch-Site'] = 'same-origin'\n\
         wrk.headers['Content-Type'] = 'application/x-www-form-urlencoded'\n\
         request = function()\n  n = n + 1\n  wrk.headers['Cookie'] = '{}=' .. secrets[n % #secrets + 1]\n\
         return wrk.format('POST', '/start/messages', nil, forms[math.floor(n / #secrets) % #forms + 1])\nend\n",
        secrets.join(", "),
        forms.join(", "),
        stage.base,
        cookies::guest_name(&stage::app().config)
    )
}

/// A turn against the timeline's page: at most three times its CPU.
pub fn turns(wishes: &Wishes, stage: &Stage) {
    let page = timeline_of_biggest(stage);
    let file = std::env::temp_dir().join(format!("pilothouse-turns-{}.lua", std::process::id()));
    let (mut runs, mut ratios): ([Vec<Run>; 2], Vec<f64>) = Default::default();
    for _ in 0..wishes.rounds {
        fs::write(&file, script(stage, &visitors(stage))).unwrap();
        let plain = pages(stage, &page, &stage.one.cookie, 8, wishes.seconds);
        let turn = sent(stage, &file, 8, wishes.seconds);
        ratios.push(turn.cpu() / plain.cpu());
        runs[0].push(plain);
        runs[1].push(turn);
    }
    fs::remove_file(file).unwrap();
    let taken = stage::text(
        &mut stage.connect(),
        "SELECT count(*) FROM job_drafts WHERE session_id LIKE 'bench\\_%'",
    );
    assert_ne!(taken, "0", "nothing was understood");
    forget_visitors(stage);
    println!(
        "## A turn of the assistant\n\nA visitor's message, answered by the built-in provider, at 8 clients.\n"
    );
    let mut table =
        Table::new(&["what", "a second", "p99 ms", "CPU console", "CPU PostgreSQL", ": page", "wanted"]);
    let [page, turn] = runs.map(median);
    for (name, run, share) in [("the timeline's page", page, None), ("a turn", turn, Some(middle(ratios)))] {
        table.row(&[
            name.to_owned(),
            format!("{:.0}", run.per_second),
            figure(run.p99_ms),
            figure(run.console_cpu),
            figure(run.database_cpu),
            share.map_or(String::new(), ratio),
            if share.is_some() { "3.00".to_owned() } else { String::new() },
        ]);
    }
    table.print();
}

/// Fills the funnel with as many sessions as the stage has actions, and counts them as the job does.
fn fill(stage: &Stage) {
    let mut conn = stage.connect();
    let filled = "SELECT count(*) FROM (SELECT FROM analytics WHERE session_id LIKE 'way\\_%' LIMIT 1) a";
    if stage::text(&mut conn, filled) == "0" {
        eprintln!("making {} sessions …", stage.rows);
        conn.batch_execute(&format!(
            "INSERT INTO analytics (event_type, session_id, slot_name, created_at, developer_ref, source, completion_score) \
             SELECT step.word, 'way_' || n, CASE WHEN step.word LIKE 'slot%' THEN 'goal' END, \
                 now() - n % 90 * interval '1 day' - interval '1 hour' + step.number * interval '7 minutes', \
                 'code' || n % 50, (ARRAY['mail', 'blog', 'talk', 'ad', 'direct'])[1 + n % 5], step.number * 15 \
             FROM generate_series(1, {}) n \
             CROSS JOIN (VALUES ('session_started', 0, 100), ('slot_asked', 1, 100), ('slot_filled', 2, 80), ('draft_created', 3, 40), \
                 ('session_claimed', 4, 20), ('draft_posted', 5, 10), ('project_created', 6, 5)) AS step (word, number, share) \
             WHERE (n / 90) % 100 < step.share",
            stage.rows
        ))
        .unwrap();
        conn.batch_execute("VACUUM (ANALYZE) analytics").unwrap();
    }
    conn.batch_execute("UPDATE pilothouse.funnel_progress SET as_of = NULL; SELECT pilothouse.keep_funnel()")
        .unwrap();
    conn.batch_execute("VACUUM (ANALYZE) pilothouse.funnel_days").unwrap();
    assert_eq!(http::get(&stage.base, "/intake", &stage.admin.cookie).status, 200);
}

/// The funnel's page here and with a hundredth of the sessions: at most 1.2 times its CPU.
pub fn funnel(wishes: &Wishes, stage: &Stage) {
    let rows = stage.rows / 100;
    let small = Stage::start(&wishes.program, &wishes.dir.join(rows.to_string()), rows);
    fill(stage);
    fill(&small);
    let mut ratios = Vec::new();
    for _ in 0..wishes.rounds {
        let big = pages(stage, "/intake", &stage.admin.cookie, 8, wishes.seconds);
        let little = pages(&small, "/intake", &small.admin.cookie, 8, wishes.seconds);
        ratios.push(big.cpu() / little.cpu());
    }
    println!(
        "## The funnel\n\n`/intake` with {} sessions costs {} of what it costs with {rows}. Wanted: at most 1.20.\n",
        stage.rows,
        ratio(middle(ratios))
    );
}
