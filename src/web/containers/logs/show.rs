//! `GET|POST /containers/{id}/logs`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

use super::question::Question;
use super::{LineView, source_of, unread};
use crate::containers::queries::{self, ContainerView};
use crate::engine::{LinePosition, Lines, MOST_LOOKED_THROUGH};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{self, Form};
use crate::http::query::Query;
use crate::logs::{self, LogView, Stream};
use crate::operations::{self, settling};
use crate::web::assets;
use crate::web::containers::head::ContainerHead;
use crate::web::containers::show::container_id;
use crate::web::display::{Choice, grouped};
use crate::web::shell::Shell;
use crate::web::time::Timestamp;
use crate::web::urls;

/// What a container writes.
#[derive(Debug, Template)]
#[template(path = "containers/logs.html")]
pub struct LogsPage {
    pub shell: Shell,
    pub container: ContainerHead,
    /// This page's script.
    pub script_url: &'static str,
    /// Why there is nothing, and what to do; empty when there is.
    pub reason: String,
    /// What shows the logs elsewhere; none when the engine's id could not stand in a command.
    pub command: Option<String>,
    pub logs_url: String,
    pub find: String,
    /// As the fields of a form write times.
    pub since: String,
    pub until: String,
    /// What the settings' form has to send along.
    pub next: String,
    pub lines_offered: Vec<Choice>,
    pub streams: Vec<Choice>,
    pub times: Vec<Choice>,
    pub wraps: Vec<Choice>,
    /// Whether lines wrap, and have times.
    pub is_wrapped: bool,
    pub has_times: bool,
    /// How many lines are shown, of how many.
    pub told: String,
    pub as_of: Timestamp,
    pub lines: Vec<LineView>,
    pub reload_url: String,
    pub older_url: Option<String>,
    /// All that is shown, without what is looked for; none for nothing.
    pub clear_url: Option<String>,
    pub download_url: String,
    /// Where lines come from while the page is open; empty where none belong to it.
    pub live_url: String,
    /// The last line that the page knows.
    pub after: String,
}

/// Shows lines, or says why there are none.
///
/// # Errors
/// 400 for a question that makes no sense; 404 for a container that the viewer can't see.
pub async fn show(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let id = container_id(&path)?;
    let (viewer, (container, projects, under_way, is_adopted, kept)) = authed
        .read(move |conn, viewer| {
            let container = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let under_way = operations::queries::under_way(conn, id)?;
            let is_adopted = settling::is_adopted(conn, id, &container.engine_id)?;
            let projects = queries::projects_in(conn, id)?;
            Ok((container, projects, under_way, is_adopted, logs::view_of(conn, viewer.id)?))
        })
        .await?;
    let question = Question::read(&query, kept, now, viewer.zone).map_err(AppError::BadRequest)?;
    let found = match source_of(&authed, &container, is_adopted).await {
        Ok(source) => {
            let lines = authed.app.engine.read_lines(source.id, question.wanted(source.has_terminal)).await;
            lines.map_err(|error| unread(&error))
        }
        Err(unread) => Err(unread),
    };
    let head = ContainerHead::new(
        &container,
        &projects,
        "logs",
        (&authed.app.engine.last_standing(), under_way.as_ref()),
        (now, viewer.zone),
    );
    let shell = authed
        .shell(&viewer, format!("Logs of {}", container.name))
        .watching_container(id)
        .with_breadcrumbs(head.crumbs(Some("Logs")));
    let mut page = LogsPage::new(shell, head, &container, &query, &question, (now, viewer.zone));
    match found {
        Ok(lines) => page.fill(&lines, &query, &question, (now, viewer.zone)),
        Err(unread) => {
            page.reason = unread.words();
            page.command = command(&container.engine_id);
        }
    }
    authed.page(StatusCode::OK, &page)
}

impl LogsPage {
    fn new(
        shell: Shell,
        head: ContainerHead,
        container: &ContainerView,
        query: &Query,
        question: &Question,
        (now, zone): (DateTime<Utc>, Tz),
    ) -> Self {
        let url = urls::container_part(container.id, "logs");
        let view = question.view;
        let on_off = |is_on: bool, words: [&str; 2]| {
            let now = if is_on { "1" } else { "0" };
            vec![Choice::new("1", words[0], now), Choice::new("0", words[1], now)]
        };
        let lines = view.lines.to_string();
        let mut offered = LogView::LINES.to_vec();
        if !offered.contains(&view.lines) {
            offered.push(view.lines);
            offered.sort_unstable();
        }
        let stream = view.stream.map_or("both", Stream::as_str);
        let field = |nanos: Option<i64>| {
            nanos.map_or_else(String::new, |nanos| {
                DateTime::from_timestamp_nanos(nanos)
                    .with_timezone(&zone)
                    .format("%Y-%m-%dT%H:%M:%S")
                    .to_string()
            })
        };
        let reload = urls::with_query(&url, &query.without(&["at"]));
        let of_part = |part: &str, names: &[&str]| {
            urls::with_query(
                &urls::container_part(container.id, &format!("logs/{part}")),
                &query.without(names),
            )
        };
        Self {
            shell,
            container: head,
            script_url: &assets::urls().logs,
            reason: String::new(),
            command: None,
            find: question.find.clone().unwrap_or_default(),
            since: field(question.since),
            until: field(question.until),
            next: urls::with_query(&url, &query.without(&["lines", "stream", "timestamps", "wrap"])),
            lines_offered: offered
                .iter()
                .map(|count| {
                    Choice::new(count.to_string(), format!("{} lines", grouped((*count).into())), &lines)
                })
                .collect(),
            streams: [("both", "Both streams"), ("stdout", "Only stdout"), ("stderr", "Only stderr")]
                .map(|(value, label)| Choice::new(value, label, stream))
                .to_vec(),
            times: on_off(view.has_times, ["With times", "Without times"]),
            wraps: on_off(view.wraps, ["Wrapped", "Not wrapped"]),
            is_wrapped: view.wraps,
            has_times: view.has_times,
            told: String::new(),
            as_of: Timestamp::new(now, now, zone),
            lines: Vec::new(),
            reload_url: reload,
            older_url: None,
            clear_url: (question.find.is_some() || question.since.is_some() || !question.goes_on())
                .then(|| url.clone()),
            download_url: of_part("download", &["at", "find", "lines", "timestamps", "wrap"]),
            live_url: if question.goes_on() {
                of_part("live", &["at", "since", "until", "lines", "timestamps", "wrap"])
            } else {
                String::new()
            },
            after: String::new(),
            logs_url: url,
        }
    }

    fn fill(&mut self, found: &Lines, query: &Query, question: &Question, (now, zone): (DateTime<Utc>, Tz)) {
        self.lines = found
            .lines
            .iter()
            .map(|line| LineView {
                is_here: question.at == Some(line.at),
                ..LineView::new(line, &self.logs_url, question.find.as_deref(), now, zone)
            })
            .collect();
        let after = found.newest.or(question.since.map(|nanos| LinePosition { nanos, ordinal: 0 }));
        // What was written before now is on the page, if there is any.
        let now = LinePosition { nanos: now.timestamp_nanos_opt().unwrap_or_default(), ordinal: 0 };
        self.after = after.unwrap_or(now).to_string();
        self.older_url = found.lines.first().filter(|_| found.is_cut).map(|line| {
            let mut pairs = query.without(&["at", "until"]);
            pairs.push(("until".to_owned(), (line.at.nanos - 1).to_string()));
            urls::with_query(&self.logs_url, &pairs)
        });
        self.told = told(found, question);
    }
}

/// What the lines are, in a sentence.
fn told(found: &Lines, question: &Question) -> String {
    let number = |count: usize| grouped(i64::try_from(count).unwrap_or(i64::MAX));
    let lines =
        |count: usize| if count == 1 { "1 line".to_owned() } else { format!("{} lines", number(count)) };
    let shown = found.lines.len();
    if let Some(at) = question.at {
        let is_there = found.lines.iter().any(|line| line.at == at);
        return if is_there {
            format!("{} around the one that the address names", lines(shown))
        } else {
            "The line that the address names is not there any more: the engine keeps so many only.".to_owned()
        };
    }
    if question.find.is_some() {
        let looked = lines(found.looked_through);
        let within = if found.is_cut
            && u32::try_from(found.looked_through).unwrap_or(0) + 1_000 >= MOST_LOOKED_THROUGH
        {
            format!("the newest {looked}, which is as far as is looked")
        } else {
            format!("{looked} that were looked through")
        };
        let newest = if shown < found.matching {
            format!("; the newest {} are shown", number(shown))
        } else {
            String::new()
        };
        return format!("Found in {} of {within}{newest}", number(found.matching));
    }
    if shown == 0 {
        return "Nothing was written".to_owned();
    }
    let last = if found.is_cut { "The last" } else { "All" };
    let bounds = match (question.since.is_some(), question.until.is_some()) {
        (false, false) => "",
        (true, false) => " since then",
        (false, true) => " until then",
        (true, true) => " between the two times",
    };
    format!("{last} {}{bounds}", lines(shown))
}

/// What the settings' form sends.
#[derive(Debug, Clone, Deserialize)]
pub struct ViewForm {
    lines: Option<String>,
    stream: Option<String>,
    timestamps: Option<String>,
    wrap: Option<String>,
    #[serde(default)]
    next: String,
}

/// Keeps how the viewer wants logs shown, and leads back to them.
///
/// # Errors
/// 400 for what no form of ours sends; 404 for a container that the viewer can't see.
pub async fn keep(
    authed: AuthedRequest,
    path: Path<String>,
    form: Form<ViewForm>,
) -> AppResult<HttpResponse> {
    let id = container_id(&path)?;
    let form = form.0;
    let now = authed.app.clock.now();
    let given = [
        ("lines", form.lines),
        ("stream", form.stream),
        ("timestamps", form.timestamps),
        ("wrap", form.wrap),
    ];
    let query =
        Query(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect());
    authed
        .write(move |conn, viewer| {
            queries::find(conn, id)?.ok_or(AppError::NotFound)?;
            let kept = logs::view_of(conn, viewer.id)?;
            let asked = Question::read(&query, kept, now, viewer.zone).map_err(AppError::BadRequest)?;
            Ok(logs::keep_view(conn, viewer.id, asked.view)?)
        })
        .await?;
    let page = urls::container_part(id, "logs");
    let is_back = forms::is_local_path(&form.next) && form.next.split('?').next() == Some(&page);
    Ok(urls::see_other(if is_back { &form.next } else { &page }))
}

/// A command that somebody may paste into a shell holds nothing but an id.
fn command(engine_id: &str) -> Option<String> {
    let is_plain = !engine_id.is_empty()
        && !engine_id.starts_with('-')
        && engine_id.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let short = engine_id.get(..12).filter(|_| engine_id.len() == 64).unwrap_or(engine_id);
    is_plain.then(|| format!("docker logs --tail 200 --follow {short}"))
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_command_holds_nothing_but_an_id() {
        assert_eq!(command("shop-web_1").as_deref(), Some("docker logs --tail 200 --follow shop-web_1"));
        assert_eq!(
            command(&"ab".repeat(32)).as_deref(),
            Some("docker logs --tail 200 --follow abababababab")
        );
        for odd in ["", "-v", "x; ls", "$(ls)", "a b", "ä", "x\n"] {
            assert_eq!(command(odd), None, "{odd}");
        }
    }
}
