//! `GET /drafts/{id}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::{badge, id, unforeseen};
use crate::drafts::Status;
use crate::drafts::commands::DraftError;
use crate::drafts::model::{Refused, Typed, budget_in_words};
use crate::drafts::queries::{self, DraftView};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Field;
use crate::identity::Viewer;
use crate::web::display::{Badge, Fact};
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;
use crate::web::version::{self, Difference};

#[expect(clippy::struct_excessive_bools, reason = "what a template shows or leaves out")]
#[derive(Debug, Template)]
#[template(path = "drafts/show.html")]
pub struct DraftPage {
    /// The frame.
    pub shell: Shell,
    pub errors: Vec<String>,
    pub conflict: Vec<Difference>,
    pub url: String,
    pub title: String,
    pub badge: Badge,
    pub facts: Vec<Fact>,
    pub score: u32,
    pub fields: DraftFields,
    pub version: String,
    /// Whether the viewer may change it.
    pub is_own: bool,
    pub can_edit: bool,
    /// Whether it is still to be posted.
    pub is_draft: bool,
    /// Why it can't be posted yet.
    pub obstacles: Vec<String>,
    /// What it can become: the stored word and the button.
    pub next: Option<(String, String)>,
    /// Its project.
    pub project_url: Option<String>,
    pub has_conversation: bool,
    /// Where its wireframe is.
    pub wireframe_url: Option<String>,
    /// Its public page: where it is, and what has to be said of it.
    pub public: Option<PublicPage>,
}

#[derive(Debug, Clone, Default)]
pub struct PublicPage {
    pub url: Option<String>,
    pub note: String,
}

impl PublicPage {
    /// Of a posted draft.
    #[must_use]
    pub fn of(draft: &DraftView, has_host: bool) -> Option<Self> {
        draft.posted_at?;
        let url = draft.page_url.clone().filter(|url| crate::web::urls::external(url).is_some());
        let note = match (&draft.page_note, &url) {
            _ if !has_host && url.is_none() => {
                "It has none: no Git host is connected (PILOTHOUSE_PAGES_REPO and PILOTHOUSE_PAGES_TOKEN)."
                    .to_owned()
            }
            (Some(note), _) => note.clone(),
            (None, None) => "It is being published.".to_owned(),
            (None, Some(_)) => "Everybody can read it there. A new page takes the host a minute.".to_owned(),
        };
        Some(Self { url, note })
    }
}

#[derive(Debug, Clone, Default)]
pub struct DraftFields {
    pub title: Field,
    pub description: Field,
    pub skills: Field,
    pub milestones: Field,
    pub budget: Field,
    pub timeline: Field,
}

impl DraftFields {
    #[must_use]
    pub fn typed(typed: &Typed, refused: Refused) -> Self {
        let field = |value: &str, error: Option<String>| Field {
            value: value.to_owned(),
            errors: error.into_iter().collect(),
        };
        Self {
            title: field(&typed.title, refused.title),
            description: field(&typed.description, refused.description),
            skills: field(&typed.skills, refused.skills),
            milestones: field(&typed.milestones, refused.milestones),
            budget: field(&typed.budget, refused.budget),
            timeline: field(&typed.timeline, refused.timeline),
        }
    }
}

/// A draft as its form shows it.
#[must_use]
pub fn as_typed(draft: &DraftView) -> Typed {
    Typed {
        title: draft.title.clone(),
        description: draft.description.clone(),
        skills: draft.skills.join("\n"),
        milestones: draft.milestones.join("\n"),
        budget: budget_in_words(&draft.budget),
        timeline: draft.timeline.clone(),
    }
}

pub async fn show(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let id = id(&authed.request);
    let (viewer, found) = authed.read(move |conn, viewer| of(conn, viewer, id?)).await?;
    let page = DraftPage::of(&authed, &viewer, &found.0, found.1);
    authed.page(StatusCode::OK, &page)
}

/// A draft and what keeps it from being posted.
pub(super) type Found = (DraftView, Vec<String>);

/// One that the viewer may look at; an admin looks at everybody's.
pub(super) fn of(conn: &mut diesel::PgConnection, _: &Viewer, id: i64) -> AppResult<Found> {
    let draft = queries::find(conn, id)?.ok_or(AppError::NotFound)?;
    let obstacles = queries::obstacles_to_posting(conn, &draft)?;
    Ok((draft, obstacles))
}

/// The page again, with sentences that say why a deed was not done.
pub(super) async fn refuse(authed: &AuthedRequest, error: DraftError) -> AppResult<HttpResponse> {
    let DraftError::Obstacles(errors) = error else { return Err(unforeseen(error)) };
    let id = id(&authed.request);
    let (viewer, found) = authed.read(move |conn, viewer| of(conn, viewer, id?)).await?;
    let mut page = DraftPage::of(authed, &viewer, &found.0, found.1);
    page.errors = errors;
    authed.page(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

impl DraftPage {
    pub(super) fn of(
        authed: &AuthedRequest,
        viewer: &Viewer,
        draft: &DraftView,
        obstacles: Vec<String>,
    ) -> Self {
        let way = vec![Crumb::link("Drafts", "/drafts"), Crumb::here(&draft.title)];
        let shell = authed.shell(viewer, &draft.title).with_breadcrumbs(way);
        let now = authed.app.clock.now();
        let time = |at| Timestamp::new(at, now, viewer.zone).exact;
        let mut page = Self::with(shell, draft, draft.owner == Some(viewer.id), obstacles);
        page.public = PublicPage::of(draft, authed.app.pages.is_some());
        page.facts.extend(draft.posted_at.map(|at| Fact::text("Posted", time(at))));
        page.facts.extend(draft.updated_at.map(|at| Fact::text("Changed", time(at))));
        page
    }

    #[must_use]
    pub fn with(shell: Shell, draft: &DraftView, is_own: bool, obstacles: Vec<String>) -> Self {
        let next = draft.status.next().map(|next| {
            let verb = if next == Status::Completed { "Mark as completed" } else { "Mark as in progress" };
            (next.as_str().to_owned(), verb.to_owned())
        });
        let mut facts = Vec::new();
        facts.extend(draft.source.as_ref().map(|source| Fact::text("Source", source)));
        facts.extend(draft.developer_ref.as_ref().map(|code| Fact::mono("Referred by", code)));
        facts.extend(draft.chain.as_ref().map(|chain| Fact::mono("Links followed", chain)));
        Self {
            shell,
            errors: Vec::new(),
            conflict: Vec::new(),
            url: format!("/drafts/{}", draft.id),
            title: draft.title.clone(),
            badge: badge(&draft.status),
            facts,
            score: draft.score,
            fields: DraftFields::typed(&as_typed(draft), Refused::default()),
            version: version::text(draft.updated_at),
            is_own,
            can_edit: is_own && draft.status != Status::Completed,
            is_draft: draft.status == Status::Draft,
            obstacles,
            next: next.filter(|_| is_own),
            project_url: draft.project.map(crate::web::urls::project),
            has_conversation: draft.session_id.is_some(),
            public: PublicPage::of(draft, true),
            wireframe_url: draft
                .wireframe_url
                .clone()
                .filter(|url| crate::web::urls::external(url).is_some()),
        }
    }
}
