//! What the console knows of a project, for an answer about it; and what answers cost.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::assistant::explaining::{Fact, MOST_ENTRIES, Topic};
use crate::db::ids::ProjectId;
use crate::db::statement::Statement;
use crate::db::time::Date;
use crate::projects::queries::ProjectView;

/// The newest entries that are looked through.
const LOOKED_THROUGH: i64 = 2_000;

/// Whether an entry belongs to a topic.
type IsOf = fn(&Entry) -> bool;

/// The timeline's word for what went wrong.
const FAILED: &str = "bad";

/// Source, id, time, type, outcome and words of an entry.
type Entry = (String, String, i64, Option<String>, Option<String>, String);

/// What is on record of `project`, newest first within each topic.
pub fn facts(conn: &mut PgConnection, project: &ProjectView, now: DateTime<Utc>) -> QueryResult<Vec<Fact>> {
    let mut facts = vec![Fact { topic: Topic::State, text: state(project), at: String::new(), entry: None }];
    let mut s = Statement::<(Text, Text, BigInt, Nullable<Text>, Nullable<Text>, Text)>::new();
    s.sql(
        "SELECT t.source, t.id, t.at, t.kind, t.outcome, left(split_part(coalesce(t.details, t.title, t.kind, ''), E'\\n', 1), 200) \
           FROM pilothouse.timeline t WHERE t.project_id = ",
    )
    .text(project.id.to_string());
    s.sql("::uuid ORDER BY t.at DESC, t.source DESC, t.id COLLATE \"C\" DESC LIMIT ").big(LOOKED_THROUGH);
    let entries: Vec<Entry> = s.load(conn)?;
    let is_chat =
        |(.., kind, _, _): &Entry| kind.as_deref().is_some_and(|kind| kind.starts_with("CHAT_MESSAGE"));
    let topics: [(Topic, IsOf); 3] = [
        (Topic::Failure, |(.., outcome, _)| outcome.as_deref() == Some(FAILED)),
        (Topic::Deployment, |(.., kind, _, _)| kind.as_deref() == Some("deployment")),
        (Topic::Recent, |_| true),
    ];
    for (topic, is_of) in topics {
        let found = entries.iter().filter(|entry| !is_chat(entry) && is_of(entry)).take(MOST_ENTRIES);
        facts.extend(found.map(|(source, id, at, _, outcome, text)| {
            let failed =
                if outcome.as_deref() == Some(FAILED) && topic != Topic::Failure { " (failed)" } else { "" };
            Fact {
                topic,
                text: format!("{text}{failed}"),
                at: when(*at, now),
                entry: Some(if source == "action" { id.clone() } else { format!("{source}:{id}") }),
            }
        }));
    }
    Ok(facts)
}

fn when(at: i64, now: DateTime<Utc>) -> String {
    let Some(at) = DateTime::from_timestamp_millis(at) else { return "at an unknown time".to_owned() };
    match (now - at).num_minutes() {
        ..1 => "just now".to_owned(),
        minutes @ 1..120 => format!("{minutes} minutes ago"),
        minutes @ 120..2880 => format!("{} hours ago", minutes / 60),
        _ => format!("on {}", at.format("%Y-%m-%d")),
    }
}

fn state(project: &ProjectView) -> String {
    let status = project.status.as_deref().unwrap_or("active");
    match &project.container {
        None => format!("The project {} is {status} and has no container.", project.name),
        Some(container) => {
            let address =
                container.url.as_ref().map(|url| format!(" Its address is {url}.")).unwrap_or_default();
            format!(
                "The project {} is {status}. Its container {} is {}.{address}",
                project.name, container.name, container.status
            )
        }
    }
}

/// What answers of a day cost.
#[derive(Debug, Clone, PartialEq)]
pub struct CostOfDay {
    /// UTC.
    pub day: NaiveDate,
    pub answers: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    /// US dollars; none when no answer's cost is known.
    pub dollars: Option<String>,
}

/// Days that are summed.
const COST_DAYS: i64 = 7;

/// What answers cost on each of the last seven days that had any, the newest first.
pub fn costs(conn: &mut PgConnection, project: ProjectId, now: DateTime<Utc>) -> QueryResult<Vec<CostOfDay>> {
    let since = now.timestamp_millis() - COST_DAYS * 86_400_000;
    let mut s = Statement::<(Date, BigInt, BigInt, BigInt, Nullable<Text>)>::new();
    s.sql("SELECT DATE 'epoch' + (c.created_at / 86400000)::integer AS day, count(*), coalesce(sum(c.input_tokens), 0)::bigint, \
           coalesce(sum(c.output_tokens), 0)::bigint, sum(c.cost_usd)::text FROM turbobackend.message_cost_tracker c \
           WHERE c.project_id = ").text(project.to_string());
    s.sql(" AND c.created_at >= ")
        .big(since)
        .sql(" AND c.created_at <= ")
        .big(now.timestamp_millis() + 86_400_000);
    s.sql(" GROUP BY 1 ORDER BY 1 DESC");
    let rows: Vec<(NaiveDate, i64, i64, i64, Option<String>)> = s.load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(day, answers, input_tokens, output_tokens, dollars)| CostOfDay {
            day,
            answers,
            input_tokens,
            output_tokens,
            dollars,
        })
        .collect())
}
