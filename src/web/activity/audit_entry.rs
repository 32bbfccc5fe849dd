//! `GET /audit/{id}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use askama::Template;

use super::changes::{self, Change};
use super::display::{Entry, Part};
use super::presenter::{TimelinePresenter, around};
use super::show::{facts, more_around, raw, thread};
use crate::activity::detail::{self, AuditDetail};
use crate::activity::sentence::LinkTarget;
use crate::activity::timeline;
use crate::audit::columns::Columns;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::identity::Viewer;
use crate::web::display::{Fact, Meta, in_short};
use crate::web::escape::PageBudget;
use crate::web::session_rows::device;
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::urls;

/// One act of the console with who, from where, on what, and what changed.
#[derive(Debug, Template)]
#[template(path = "audit/show.html")]
pub struct AuditEntryPage {
    /// The frame.
    pub shell: Shell,
    /// Who did what to which thing.
    pub heading: Vec<Part>,
    /// When.
    pub time: Timestamp,
    /// Quiet facts.
    pub meta: Vec<Meta>,
    /// What the table of fields is called.
    pub changes_title: &'static str,
    /// The fields that are not what they were.
    pub changes: Vec<Change>,
    /// What is not among them: "12 more fields changed.", or nothing.
    pub changes_more: String,
    /// Whether any of them was something before.
    pub has_before: bool,
    /// Whether any of them is something now.
    pub has_after: bool,
    /// What that column is called.
    pub after_title: &'static str,
    /// The same where columns have no heads, on a phone.
    pub after_label: &'static str,
    pub who: Vec<Fact>,
    pub on_what: Vec<Fact>,
    /// The log of the same target, if there is one.
    pub target_url: Option<String>,
    /// As it is stored.
    pub facts: Vec<Fact>,
    /// What led to it.
    pub before: Vec<Entry>,
    /// What followed.
    pub after: Vec<Entry>,
    /// "12 more stand around this moment", or nothing.
    pub thread_more: String,
    /// The timeline at this moment.
    pub around_url: String,
    /// All that goes back to the same first cause.
    pub thread_url: String,
    /// Everything as JSON, unless it is too much for a page.
    pub raw: Option<String>,
    /// Everything as plain text.
    pub raw_url: String,
}

/// Bytes that the table of fields takes at most.
const MOST_CHANGES: usize = 110_000;

/// Shows an audit entry.
pub async fn show(authed: AuthedRequest, path: Path<String>) -> AppResult<HttpResponse> {
    let id = path.into_inner();
    if id.contains('\0') {
        return Err(AppError::NotFound);
    }
    let (viewer, found) = authed
        .read_as_admin(move |conn, _| detail::audit_entry(conn, &id)?.ok_or(AppError::NotFound))
        .await?;
    page(&authed, &viewer, &found)
}

pub(super) fn page(authed: &AuthedRequest, viewer: &Viewer, found: &AuditDetail) -> AppResult<HttpResponse> {
    let presenter = TimelinePresenter::of(viewer, authed.app.clock.now());
    let crumbs = vec![Crumb::link("Audit log", "/audit"), Crumb::here(found.detail.entry.kind.label())];
    let shell = authed.shell(viewer, in_short(&found.detail.entry.plain(), 300)).with_breadcrumbs(crumbs);
    authed.page(StatusCode::OK, &AuditEntryPage::new(shell, found, &presenter))
}

impl AuditEntryPage {
    fn new(
        shell: Shell,
        AuditDetail { detail, columns }: &AuditDetail,
        presenter: &TimelinePresenter,
    ) -> Self {
        let entry = &detail.entry;
        let (before, after, thread_more) = presenter.thread(thread(detail), entry);
        let (changes, left_out) = changes::within(
            changes::between(columns.before.as_ref(), columns.after.as_ref()),
            &mut PageBudget::of(MOST_CHANGES),
        );
        let is_too_large = |name: &str, read: Option<&serde_json::Value>| {
            read.is_none() && detail.stored.iter().any(|column| column.name == name)
        };
        let is_incomplete =
            is_too_large("before", columns.before.as_ref()) || is_too_large("after", columns.after.as_ref());
        let has_both = columns.before.is_some() && columns.after.is_some();
        let has_before =
            columns.before.is_some() && changes.iter().any(|change| !change.before.text.is_empty());
        let has_after = columns.after.is_some() && changes.iter().any(|change| !change.after.text.is_empty());
        let target_id = columns.target_id.as_ref().filter(|id| !id.is_empty());
        let stored = ["id", "activityType", "requestId", "metadata"];
        Self {
            shell,
            heading: presenter.headline(&entry.sentence),
            time: Timestamp::from_millis(entry.moment.ms, presenter.now, presenter.zone),
            meta: vec![Meta::text(entry.kind.label())],
            changes_title: if has_both { "What changed" } else { "What was recorded" },
            changes,
            has_before: has_before || has_both,
            has_after: has_after || has_both,
            after_title: if has_both { "After" } else { "Value" },
            after_label: if has_both { "after" } else { "" },
            who: who(entry, columns, presenter),
            on_what: on_what(entry, columns, presenter),
            target_url: target_id.map(|id| urls::with_query("/audit", &[("target", id)])),
            facts: facts(&detail.stored, |name| stored.contains(&name)),
            changes_more: match (is_incomplete, left_out) {
                (true, _) => "What changed is too much to be compared here.".to_owned(),
                (false, 0) => String::new(),
                (false, more) => format!("{more} more fields changed."),
            },
            before,
            after,
            thread_more: more_around(thread_more),
            around_url: around(entry),
            thread_url: urls::thread(entry.source(), entry.id()),
            raw: raw(detail),
            raw_url: urls::raw_entry(entry.source(), entry.id()),
        }
    }
}

/// A fact that leads to what it names, if that has a page.
fn linked(label: &str, value: &str, url: Option<String>) -> Fact {
    Fact { url, ..Fact::text(label, value) }
}

fn who(entry: &timeline::Entry, columns: &Columns, presenter: &TimelinePresenter) -> Vec<Fact> {
    let page = |id: &String| presenter.address(&LinkTarget::User(id.clone()));
    let url = entry.actor.user.as_ref().filter(|_| entry.actor.exists).and_then(page);
    let mut facts = vec![linked("Who", &entry.actor.name, url)];
    let at_the_time = [("E-mail then", &columns.actor_email), ("Role then", &columns.actor_role)];
    facts.extend(
        at_the_time.into_iter().filter_map(|(label, value)| Some(linked(label, value.as_ref()?, None))),
    );
    facts.extend(columns.acting_admin.as_ref().map(|id| linked("Done by the admin", id, page(id))));
    facts.extend(columns.ip.map(|ip| Fact::mono("Address", ip.ip().to_string())));
    if let Some(agent) = &columns.user_agent {
        facts.push(Fact::text("Browser", device(agent)));
        facts.push(linked("As it calls itself", agent, None));
    }
    facts
}

fn on_what(entry: &timeline::Entry, columns: &Columns, presenter: &TimelinePresenter) -> Vec<Fact> {
    let mut facts = Vec::new();
    let id = columns.target_id.clone().filter(|id| !id.is_empty());
    if let Some(kind) = &columns.target_kind {
        let page = match kind.as_str() {
            "project" => id.clone().map(LinkTarget::Project),
            "user" => id.clone().map(LinkTarget::User),
            "container" => id.clone().map(LinkTarget::Container),
            _ => None,
        };
        let name = columns.target_name.as_deref().or(id.as_deref()).unwrap_or("—");
        let url = page.and_then(|target| presenter.address(&target));
        facts.push(linked(&crate::vocabulary::humanised(kind), name, url));
    }
    facts.extend(id.map(|id| Fact::id("Id", id)));
    if let Some(project) =
        entry.project.as_ref().filter(|_| columns.target_kind.as_deref() != Some("project"))
    {
        let url = presenter.address(&LinkTarget::Project(project.id.clone()));
        facts.push(linked("In the project", &project.name, url));
    }
    facts
}
