//! The statements of a page, as PostgreSQL logs them, made into a script for pgbench.

use diesel::connection::SimpleConnection;

use crate::http;
use crate::stage::Stage;

/// A script, and what its variables hold.
pub struct Script {
    pub text: String,
    pub variables: Vec<(String, String)>,
    /// How many round trips the page took.
    pub round_trips: usize,
}

struct Statement {
    sql: String,
    parameters: Vec<Option<String>>,
}

/// Asks for the page once while PostgreSQL logs, and makes a script of what it was asked.
pub fn of_page(stage: &Stage, path: &str, cookie: &str) -> Script {
    let mut conn = stage.connect();
    // Once, so that what is prepared is prepared, and the session's last use is written.
    http::get(&stage.base, path, cookie);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let set = |conn: &mut diesel::PgConnection, ms: i32| {
        for setting in [
            format!("log_min_duration_statement = {ms}"),
            "log_parameter_max_length = -1".to_owned(),
            // Jobs speak up now and then; the page's connection is the one that enters.
            "log_line_prefix = '%m [%p] '".to_owned(),
        ] {
            conn.batch_execute(&format!("ALTER SYSTEM SET {setting}")).unwrap();
        }
        conn.batch_execute("SELECT pg_reload_conf()").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(500));
    };
    set(&mut conn, 0);
    let before = stage.server_log().len();
    let answer = http::get(&stage.base, path, cookie);
    assert_eq!(answer.status, 200, "{path}");
    std::thread::sleep(std::time::Duration::from_millis(300));
    let log = stage.server_log()[before..].to_owned();
    set(&mut conn, -1);
    script(&log)
}

fn script(log: &str) -> Script {
    let entering = log.lines().find(|line| line.contains("pilothouse.enter(")).expect("a page begins");
    let process = format!("[{}]", entering.split(['[', ']']).nth(1).unwrap());
    let mut statements: Vec<Statement> = Vec::new();
    let mut is_ours = false;
    for line in log.lines() {
        let is_head = line.contains(" LOG:  ") || line.contains(" DETAIL:  ");
        if !is_head {
            // A statement of several lines.
            if let (true, Some(last)) = (is_ours, statements.last_mut()) {
                last.sql.push(' ');
                last.sql.push_str(line.trim());
            }
            continue;
        }
        // Parsing and binding are logged as well, with the same parameters.
        let was_ours = std::mem::take(&mut is_ours);
        if !line.contains(&process) {
            continue;
        }
        if let Some((_, parameters)) = line.split_once("DETAIL:  parameters: ") {
            if let (true, Some(last)) = (was_ours, statements.last_mut()) {
                last.parameters = parameters_of(parameters);
            }
        } else if let Some((kind, sql)) = line.split_once(" ms  ").and_then(|(_, rest)| rest.split_once(": "))
            && (kind == "statement" || kind.starts_with("execute"))
        {
            statements.push(Statement { sql: sql.to_owned(), parameters: Vec::new() });
            is_ours = true;
        }
    }
    let first = statements.iter().position(|s| s.sql.contains("pilothouse.enter(")).unwrap();
    let last = statements[first..].iter().position(|s| ends(&s.sql)).unwrap() + first;
    let statements = &statements[first..=last];
    let mut text = "\\startpipeline\n".to_owned();
    let mut variables = Vec::new();
    for (number, statement) in statements.iter().enumerate() {
        let mut sql = statement.sql.clone();
        for (at, value) in statement.parameters.iter().enumerate().rev() {
            let mark = format!("${}", at + 1);
            match value {
                Some(value) => {
                    let name = format!("s{number}p{at}");
                    // The console says which type it sends; without that PostgreSQL takes it for a time.
                    sql = sql.replace(&format!("now() - {mark}"), &format!("now() - :{name}::interval"));
                    sql = sql.replace(&mark, &format!(":{name}"));
                    variables.push((name, value.clone()));
                }
                None => sql = sql.replace(&mark, "NULL"),
            }
        }
        // What the console sends as one batch are several statements to pgbench.
        for part in split(&sql) {
            text.push_str(&part);
            text.push_str(";\n");
        }
    }
    text.push_str("\\endpipeline\n");
    Script { text, variables, round_trips: statements.len() }
}

/// Whether a transaction ends here; where one begins READ COMMITTED is said.
fn ends(sql: &str) -> bool {
    sql.split(';').any(|part| part.trim() == "COMMIT")
}

fn split(sql: &str) -> Vec<String> {
    let is_batch = sql.starts_with("BEGIN") || ends(sql);
    let parts = if is_batch { sql.split(';').collect() } else { vec![sql] };
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// `$1 = 'it''s', $2 = NULL` as values.
fn parameters_of(text: &str) -> Vec<Option<String>> {
    let mut values = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(" = ") {
        if let Some(mut quoted) = after.strip_prefix('\'') {
            let mut value = String::new();
            loop {
                let (part, tail) = quoted.split_once('\'').expect("a closing quote");
                value.push_str(part);
                let Some(more) = tail.strip_prefix('\'') else {
                    rest = tail;
                    break;
                };
                value.push('\'');
                quoted = more;
            }
            values.push(Some(value));
        } else {
            values.push(None);
            rest = after.trim_start_matches("NULL");
        }
    }
    values
}
