//! `GET /activity/{action_id}`, `GET /events/{id}` and `GET /engine/events/{id}`; `GET /entries?id=` for an entry with any id

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;
use diesel::{PgConnection, QueryResult};
use serde_json::{Map, Value};

use super::audit_entry;
use super::display::{Entry, Part, ReferenceChip};
use super::operation::{self, OperationPanel};
use super::presenter::{TimelinePresenter, around};
use super::reference::{chip, project_of, rank};
use super::reference_card::ReferenceCard;
use crate::activity::detail::{self, AuditDetail, Detail};
use crate::activity::reference_target::{self, ReferenceTarget};
use crate::activity::sentence;
use crate::activity::stored::Column;
use crate::activity::{ProjectState, Reference, Source, timeline};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::identity::Viewer;
use crate::operations::Operation;
use crate::web::display::{Badge, Fact, Link, Meta, grouped, in_short};
use crate::web::escape::{PageBudget, weight};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::{Timestamp, duration};
use crate::web::urls;

/// One record with everything.
#[derive(Debug, Template)]
#[template(path = "activity/show.html")]
pub struct EntryPage {
    /// The frame.
    pub shell: Shell,
    /// Who did what to which thing.
    pub heading: Vec<Part>,
    /// How it went.
    pub badge: Option<Badge>,
    /// When.
    pub time: Timestamp,
    /// Project, environment, source, duration.
    pub meta: Vec<Meta>,
    /// What an operation's page says besides.
    pub operation: Option<OperationPanel>,
    /// The detail, as far as a page holds it.
    pub detail: Option<String>,
    /// "The first 16,000 of 5,242,880 bytes", when there is more.
    pub detail_cut: String,
    /// Its columns as stored.
    pub facts: Vec<Fact>,
    /// What it refers to.
    pub references: Vec<ReferenceChip>,
    /// "and 12 more stand in the raw JSON", or nothing.
    pub references_more: String,
    /// The records behind what it refers to, each once.
    pub records: Vec<ReferenceCard>,
    /// What led to it.
    pub before: Vec<Entry>,
    /// What followed.
    pub after: Vec<Entry>,
    /// "12 more stand around this moment", or nothing.
    pub thread_more: String,
    /// The entry before it.
    pub older: Option<Link>,
    /// The entry after it.
    pub newer: Option<Link>,
    /// The timeline at this moment.
    pub around_url: String,
    /// All that goes back to the same first cause.
    pub thread_url: String,
    /// Everything as JSON, unless it is too much for a page.
    pub raw: Option<String>,
    /// Everything as plain text.
    pub raw_url: String,
}

/// Bytes that parts of an entry's page take at most: all of it stays below 400 kB, whatever is stored.
const MOST_DETAIL: usize = 70_000;
const MOST_FACTS: usize = 30_000;
const MOST_CHIPS: usize = 30_000;
const MOST_CARDS: usize = 40_000;
const MOST_RAW: usize = 30_000;
/// Characters of a column among the facts.
const FACT_SHOWN: usize = 300;

/// Shows an action.
pub async fn action(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    show(authed, path.into_inner(), detail::action).await
}

/// Shows an event.
pub async fn event(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    show(authed, path.into_inner(), detail::event).await
}

/// Shows what an engine saw.
pub async fn observation(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    show(authed, path.into_inner(), detail::observation).await
}

/// Shows the entry that a timeline calls `id`: `ID`, `event:ID`, `audit:ID`, `engine:ID`.
///
/// # Errors
/// 400 without an id; 404 for an entry that the viewer can't see.
pub async fn any(authed: AuthedRequest, query: Query) -> AppResult<HttpResponse> {
    let key = query.only("id").map(str::to_owned).map_err(AppError::BadRequest)?;
    let (viewer, found) = authed
        .read(move |conn, viewer| {
            let (kind, id) = Source::of_key(&key);
            let one =
                |conn: &mut _, id, find| Ok::<_, AppError>(with_records(conn, id, find)?.map(Found::Entry));
            let found = match kind {
                Source::Action => one(conn, id, detail::action)?,
                Source::Event => one(conn, id, detail::event)?,
                Source::Engine => one(conn, id, detail::observation)?,
                Source::Audit if viewer.as_admin().is_some() => {
                    detail::audit_entry(conn, id)?.map(|entry| Found::Audit(Box::new(entry)))
                }
                Source::Audit => None,
            };
            // An action may be called like an entry of another kind.
            let found = if found.is_some() { found } else { one(conn, &key, detail::action)? };
            found.ok_or(AppError::NotFound)
        })
        .await?;
    match found {
        Found::Entry(whole) => page(&authed, &viewer, &whole),
        Found::Audit(entry) => audit_entry::page(&authed, &viewer, &entry),
    }
}

/// What an id turned out to be.
enum Found {
    Entry(Box<Whole>),
    Audit(Box<AuditDetail>),
}

/// An action, an event or an observation, with the records behind its references and the operation that an event is.
struct Whole {
    detail: Detail,
    records: Vec<ReferenceTarget>,
    operation: Option<(Operation, Vec<Operation>)>,
}

type Find = fn(&mut PgConnection, &str) -> QueryResult<Option<Detail>>;

fn with_records(conn: &mut PgConnection, id: &str, find: Find) -> QueryResult<Option<Box<Whole>>> {
    let Some(detail) = find(conn, id)? else { return Ok(None) };
    let records = records_behind(conn, &detail.entry.references)?;
    let operation = match detail.entry.source() {
        Source::Event => operation::behind(conn, id)?,
        Source::Action | Source::Audit | Source::Engine => None,
    };
    Ok(Some(Box::new(Whole { detail, records, operation })))
}

async fn show(authed: AuthedRequest, id: String, find: Find) -> AppResult<HttpResponse> {
    if id.contains('\0') {
        return Err(AppError::NotFound);
    }
    let (viewer, whole) =
        authed.read(move |conn, _| with_records(conn, &id, find)?.ok_or(AppError::NotFound)).await?;
    page(&authed, &viewer, &whole)
}

fn page(authed: &AuthedRequest, viewer: &Viewer, whole: &Whole) -> AppResult<HttpResponse> {
    let Whole { detail, records, operation } = whole;
    let presenter = TimelinePresenter::of(viewer, authed.app.clock.now());
    let shell = authed.shell(viewer, in_short(&detail.entry.plain(), 300)).with_breadcrumbs(crumbs(detail));
    let project = detail.entry.project.as_ref().and_then(|project| project.id.parse().ok());
    let shell = match project {
        Some(id) => shell.watching_project(id),
        None => shell.watching_all(),
    };
    let mut page = EntryPage::new(shell, detail, records, &presenter);
    if let Some(operation) = operation {
        page.operation = Some(OperationPanel::new(operation, &presenter));
        // The panel says what came of it.
        page.detail = None;
    }
    authed.page(StatusCode::OK, &page)
}

/// How many references are looked up; the rest is one click away.
const MOST_RECORDS: usize = 12;

/// The records behind the first references, in their order.
fn records_behind(conn: &mut PgConnection, references: &[Reference]) -> QueryResult<Vec<ReferenceTarget>> {
    let names_exactly = |key: &str| references.iter().any(|reference| reference.key == key);
    // What names the record itself leaves out what only names its family: an app's newest deployment is another one.
    let is_of_family = |reference: &&Reference| match reference.key.as_str() {
        "app_name" => names_exactly("deployment_id"),
        "commit_sha" => names_exactly("github_push_id"),
        _ => false,
    };
    let mut first: Vec<Reference> =
        references.iter().filter(|reference| !is_of_family(reference)).cloned().collect();
    first.sort_by_key(|reference| rank(&reference.key));
    first.truncate(MOST_RECORDS);
    let mut records: Vec<ReferenceTarget> = Vec::new();
    for record in reference_target::of_each(conn, &first)?.into_iter().flatten() {
        // A push stands behind its id and behind its commit.
        if !records.contains(&record) {
            records.push(record);
        }
    }
    Ok(records)
}

pub(super) fn crumbs(detail: &Detail) -> Vec<Crumb> {
    let mut crumbs = Vec::new();
    match &detail.entry.project {
        Some(project) if project.state == ProjectState::Exists => {
            if let Ok(id) = project.id.parse() {
                crumbs.push(Crumb::link("Projects", "/projects"));
                crumbs.push(Crumb::link(&project.name, urls::project(id)));
                crumbs.push(Crumb::link("Activity", urls::project_part(id, "activity")));
            }
        }
        _ => crumbs.push(Crumb::link("Activity", "/activity")),
    }
    crumbs.push(Crumb::here(detail.entry.kind.label()));
    crumbs
}

impl EntryPage {
    fn new(
        shell: Shell,
        detail: &Detail,
        records: &[ReferenceTarget],
        presenter: &TimelinePresenter,
    ) -> Self {
        let entry = &detail.entry;
        let (before, after, thread_more) = presenter.thread(thread(detail), entry);
        let neighbour =
            |other: &timeline::Entry| Link::new(in_short(&other.plain(), 300), presenter.page_of(other));
        let (text, detail_cut) = whole_detail(detail);
        let mut references: Vec<&Reference> = entry.references.iter().collect();
        references.sort_by_key(|reference| rank(&reference.key));
        let mut chips: Vec<ReferenceChip> =
            references.into_iter().map(|reference| chip(reference, project_of(entry))).collect();
        let mut room = PageBudget::of(MOST_CHIPS);
        chips.retain(|chip| room.take(weight(&chip.key) + weight(&chip.value) + weight(&chip.url) + 40));
        let more = entry.references_cut + entry.references.len() - chips.len();
        Self {
            shell,
            heading: presenter.headline(&entry.sentence),
            badge: entry.status.as_ref().map(|status| presenter.state(entry, status)),
            time: Timestamp::from_millis(entry.moment.ms, presenter.now, presenter.zone),
            meta: meta(entry, presenter),
            operation: None,
            detail: Some(text).filter(|text| !text.trim().is_empty()),
            detail_cut,
            facts: recorded(detail, presenter),
            references: chips,
            references_more: match more {
                0 => String::new(),
                more => format!("and {more} more, among the columns as they are stored"),
            },
            records: cards(records, presenter),
            before,
            after,
            thread_more: more_around(thread_more),
            older: detail.thread.older.as_ref().map(neighbour),
            newer: detail.thread.newer.as_ref().map(neighbour),
            around_url: around(entry),
            thread_url: urls::thread(entry.source(), entry.id()),
            raw: raw(detail),
            raw_url: urls::raw_entry(entry.source(), entry.id()),
        }
    }
}

/// The detail as far as a page holds it, and what is said when that is not all.
fn whole_detail(detail: &Detail) -> (String, String) {
    let stored = detail.entry.details.as_deref().unwrap_or_default();
    let (text, is_long) = PageBudget::of(MOST_DETAIL).fit(stored);
    let details = detail.stored.iter().find(|column| {
        ["action_details", "description", "details", "answer"].contains(&column.name.as_str())
    });
    let all = details.map_or(0, |column| column.bytes);
    let cut = match details {
        Some(column) if is_long || column.is_cut() => {
            let shown = grouped(i64::try_from(text.len()).unwrap_or(i64::MAX));
            format!("These are the first {shown} of {} bytes.", grouped(all))
        }
        _ => String::new(),
    };
    (text.to_owned(), cut)
}

/// The columns as facts, the project by its name.
fn recorded(detail: &Detail, presenter: &TimelinePresenter) -> Vec<Fact> {
    let mut facts = facts(&detail.stored, |_| true);
    let project = detail.entry.project.as_ref().filter(|project| project.state != ProjectState::Unknown);
    let stored = facts.iter_mut().find(|fact| matches!(fact.label.as_str(), "project_id" | "projectId"));
    if let (Some(fact), Some(project)) = (stored, project) {
        let url = presenter.address(&sentence::LinkTarget::Project(project.id.clone()));
        *fact = Fact { label: "project".into(), url, ..Fact::text("project", project.name.clone()) };
    }
    facts
}

/// The columns that `wanted` lets through as facts, each as far as there is room.
pub(super) fn facts(columns: &[Column], wanted: impl Fn(&str) -> bool) -> Vec<Fact> {
    let mut room = PageBudget::of(MOST_FACTS);
    columns
        .iter()
        .filter(|column| wanted(&column.name))
        .map(|column| {
            let text = in_short(&column.text, FACT_SHOWN);
            let (shown, _) = room.fit(&text);
            let is_id = ["id", "Id", "sha"].iter().any(|end| column.name.ends_with(end));
            Fact { copied: is_id && shown == column.text, ..Fact::mono(column.name.as_str(), shown) }
        })
        .collect()
}

fn cards(records: &[ReferenceTarget], presenter: &TimelinePresenter) -> Vec<ReferenceCard> {
    let mut room = PageBudget::of(MOST_CARDS);
    let cards = records.iter().map(|record| ReferenceCard::new(record, presenter).without("Project"));
    cards.filter(|card| room.take(card.weight())).collect()
}

pub(super) fn more_around(left_out: usize) -> String {
    if left_out == 0 { String::new() } else { format!("{left_out} more stand around this moment.") }
}

/// What led to the record and what followed, oldest first: its causes and effects, and what else the same
/// request, deployment, push, commit or database left, by its time.
pub(super) fn thread(detail: &Detail) -> (Vec<&timeline::Entry>, Vec<&timeline::Entry>) {
    let here = &detail.entry.position;
    let thread = &detail.thread;
    let mut before: Vec<&timeline::Entry> = thread.causes.iter().collect();
    let mut after: Vec<&timeline::Entry> = thread.effects.iter().collect();
    for other in thread.same_request.iter().chain(&thread.related) {
        if other.position < *here { before.push(other) } else { after.push(other) }
    }
    before.sort_by(|a, b| a.position.cmp(&b.position));
    after.sort_by(|a, b| a.position.cmp(&b.position));
    (before, after)
}

fn meta(entry: &timeline::Entry, presenter: &TimelinePresenter) -> Vec<Meta> {
    let mut meta = Vec::new();
    if let Some(project) = &entry.project {
        let url = Some(&project.id).filter(|_| project.state == ProjectState::Exists);
        let target = url.map(|id| sentence::LinkTarget::Project(id.clone()));
        meta.push(Meta {
            label: project.name.clone(),
            url: target.and_then(|target| presenter.address(&target)),
        });
    }
    meta.extend(entry.environment.as_deref().map(|text| Meta::text(in_short(text, 200))));
    meta.push(Meta::text(match entry.source() {
        Source::Action => "action",
        Source::Event => "event",
        Source::Audit => "audit entry",
        Source::Engine => "seen at the engine",
    }));
    meta.extend(entry.duration_ms.map(|ms| Meta::text(duration(ms))));
    let odd = presenter.mark(entry);
    meta.extend((!odd.is_empty()).then(|| Meta::text(odd)));
    meta
}

/// The columns as one JSON object; what holds JSON itself is kept as such. Nothing when it is too much for a page.
pub(super) fn raw(detail: &Detail) -> Option<String> {
    if detail.stored.iter().any(Column::is_cut) {
        return None;
    }
    let value = |column: &Column| column.json().unwrap_or_else(|| Value::String(column.text.clone()));
    let object: Map<String, Value> =
        detail.stored.iter().map(|column| (column.name.clone(), value(column))).collect();
    serde_json::to_string_pretty(&object).ok().filter(|raw| weight(raw) <= MOST_RAW)
}
