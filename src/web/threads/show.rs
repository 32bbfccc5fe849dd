//! `GET /threads/{source}:{id}`, and `GET /threads?id=` for what no path carries

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;

use crate::activity::filter::quoted;
use crate::activity::timeline::Known;
use crate::activity::whole_thread::{self, WholeThread};
use crate::activity::{Direction, Source, TimelineCursor, timeline};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::web::activity::display::{Day, DayItem};
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::display::{Link, Pager, counted, in_short};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::{Timestamp, duration};
use crate::web::urls;

/// A page of a thread.
#[derive(Debug, Template)]
#[template(path = "threads/show.html")]
pub struct ThreadPage {
    /// The frame.
    pub shell: Shell,
    /// When it began.
    pub began: Timestamp,
    /// "3 h 20 m from first to last", or nothing.
    pub length: String,
    /// What it began with; none when that is gone or not the viewer's to see.
    pub first: Option<Link>,
    /// What it has come to; none where it began with nothing else.
    pub last: Option<Link>,
    /// The entry that was asked for, where it stands on another page.
    pub asked: Option<Link>,
    /// Oldest first.
    pub days: Vec<Day>,
    pub pager: Pager,
    /// Of all times: "Europe/Berlin".
    pub zone: String,
}

/// Shows the thread of an entry: `ID`, `event:ID`, `audit:ID`, `engine:ID` or `action:ID`.
///
/// # Errors
/// 404 for an entry that the viewer can't see; 400 for a position that makes no sense.
pub async fn show(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    answer(authed, path.into_inner(), query).await
}

/// [`show`] for any id.
///
/// # Errors
/// 400 without an id; otherwise as [`show`].
pub async fn any(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let key = query.only("id").map(str::to_owned).map_err(AppError::BadRequest)?;
    answer(authed, key, query).await
}

async fn answer(authed: AuthedRequest, key: String, query: Query) -> AppResult<HttpResponse> {
    let position = position(&query).map_err(AppError::BadRequest)?;
    let asked = position.clone();
    let (viewer, thread) = authed
        .read(move |conn, viewer| {
            let known = Known::by(viewer);
            let (source, id) = Source::of_key(&key);
            if let Some(thread) = whole_thread::of(conn, &known, source, id, asked.as_ref())? {
                return Ok(thread);
            }
            // An action may be called like an entry of another kind.
            whole_thread::of(conn, &known, Source::Action, &key, asked.as_ref())?.ok_or(AppError::NotFound)
        })
        .await?;
    let presenter =
        TimelinePresenter::of(&viewer, authed.app.clock.now()).pointed_at(Some(thread.asked.key()));
    let project = thread.asked.project.as_ref().and_then(|project| project.id.parse().ok());
    let shell = authed.shell(&viewer, "Thread");
    let (shell, crumb) = match project {
        Some(id) => (shell.watching_project(id), Crumb::link("Activity", urls::project_part(id, "activity"))),
        None => (shell.watching_all(), Crumb::link("Activity", "/activity")),
    };
    let shell = shell.with_breadcrumbs(vec![crumb, Crumb::here("Thread")]);
    authed.page(StatusCode::OK, &ThreadPage::new(shell, &thread, position.as_ref(), &presenter))
}

fn position(query: &Query) -> Result<Option<(Direction, TimelineCursor)>, String> {
    query.check()?;
    let mut found = None;
    for direction in [Direction::Before, Direction::After] {
        let Some(text) = query.first(direction.name()) else { continue };
        let cursor = text.parse().map_err(|_| format!("{} is no position in the timeline.", quoted(text)))?;
        if found.replace((direction, cursor)).is_some() {
            return Err("Give before or after, not both.".to_owned());
        }
    }
    Ok(found)
}

impl ThreadPage {
    fn new(
        shell: Shell,
        thread: &WholeThread,
        position: Option<&(Direction, TimelineCursor)>,
        presenter: &TimelinePresenter,
    ) -> Self {
        let path = urls::thread(thread.asked.source(), thread.asked.id());
        let before = position.filter(|(direction, _)| *direction == Direction::After);
        let days = presenter.whole_thread(thread, before.map(|(_, cursor)| cursor.ms));
        let link =
            |entry: &timeline::Entry| Link::new(in_short(&entry.plain(), 300), presenter.page_of(entry));
        let began = thread.root.as_ref().or(thread.entries.first()).unwrap_or(&thread.asked).moment.ms;
        let length = thread.last.as_ref().map_or(0, |last| last.moment.ms.saturating_sub(began));
        let is_here = |entry: &timeline::Entry| {
            entry.position == thread.asked.position
                || entry.folded.iter().any(|inner| inner.position == thread.asked.position)
        };
        let asked = (!thread.entries.iter().any(is_here)).then(|| {
            let position = TimelineCursor::start_of(thread.asked.position.ms);
            Link::new(in_short(&thread.asked.plain(), 300), at(&path, Direction::After, &position) + "#here")
        });
        Self {
            shell,
            began: Timestamp::from_millis(began, presenter.now, presenter.zone),
            length: if length > 0 {
                format!("{} from first to last", duration(length))
            } else {
                String::new()
            },
            first: thread.root.as_ref().map(link),
            last: thread.last.as_ref().map(link),
            asked,
            days,
            pager: Pager {
                shown: counted(thread.entries.len(), "entry", "entries"),
                newer: thread.earlier.as_ref().map(|cursor| at(&path, Direction::Before, cursor)),
                older: thread.later.as_ref().map(|cursor| at(&path, Direction::After, cursor)),
                ..Pager::default()
            },
            zone: presenter.zone.to_string(),
        }
    }
}

fn at(path: &str, direction: Direction, cursor: &TimelineCursor) -> String {
    urls::with_query(path, &[(direction.name(), cursor.to_string())])
}
