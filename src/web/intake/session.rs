//! `GET|POST /intake/sessions/{id}`: one conversation. What was said is shown once a reason is on record.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;
use uuid::Uuid;

use super::sessions::badge;
use crate::analytics;
use crate::assistant::provider::Speaker;
use crate::assistant::queries::{self, Session};
use crate::assistant::record;
use crate::assistant::slots::{Quality, Slot};
use crate::drafts::queries as drafts;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{Field, Form};
use crate::identity::Email;
use crate::web::display::{Badge, Fact};
use crate::web::path;
use crate::web::shell::{Crumb, Shell};
use crate::web::time::Timestamp;

#[derive(Debug, Template)]
#[template(path = "intake/session.html")]
pub struct IntakeSessionPage {
    /// The frame.
    pub shell: Shell,
    pub url: String,
    pub title: String,
    pub badge: Badge,
    pub facts: Vec<Fact>,
    pub slots: Vec<(&'static str, &'static str)>,
    pub events: Vec<EventRow>,
    pub reason: Field,
    /// What was said, once a reason is given: who, and what.
    pub said: Option<Vec<(&'static str, String)>>,
    pub draft_url: Option<String>,
    /// Where a form makes an account for whoever left an address.
    pub invite_url: Option<String>,
    /// Who is credited, as the form shows it.
    pub developer_ref: Field,
    pub source: Field,
    /// Why a deed was not done.
    pub errors: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct EventRow {
    pub at: Timestamp,
    pub event: String,
    pub slot: String,
    pub score: String,
}

#[derive(Deserialize)]
pub struct ReasonForm {
    #[serde(default)]
    reason: String,
}

pub(super) type Found = (Session, Vec<analytics::EventLine>, Option<i64>);

pub(super) fn find(conn: &mut diesel::PgConnection, id: Uuid) -> AppResult<Found> {
    let session = queries::by_id(conn, id)?.ok_or(AppError::NotFound)?;
    let events = analytics::of_session(conn, &session.session_id)?;
    let draft = drafts::of_session(conn, &session.session_id)?.map(|draft| draft.id);
    Ok((session, events, draft))
}

pub async fn show(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let id = path::id::<Uuid>(&authed.request, "id");
    let (viewer, found) = authed.read_as_admin(move |conn, _| find(conn, id?)).await?;
    let page = IntakeSessionPage::of(&authed, &viewer, &found);
    authed.page(StatusCode::OK, &page)
}

/// Shows what was said, this once.
pub async fn read(authed: AuthedRequest, form: Form<ReasonForm>) -> AppResult<HttpResponse> {
    let id = path::id::<Uuid>(&authed.request, "id");
    let principal = authed.principal();
    let reason = form.0.reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = reason.chars().count();
    let problem = match length {
        0..5 => Some("Say why, in a few words: it goes on record."),
        501.. => Some("Use at most 500 characters."),
        _ => None,
    };
    let given = reason.clone();
    let (viewer, found) = authed
        .write_as_admin(move |conn, admin| {
            let found = find(conn, id?)?;
            if problem.is_none() {
                record::put_reading_on_record(conn, &principal(admin), &found.0, &given)?;
            }
            Ok(found)
        })
        .await?;
    let mut page = IntakeSessionPage::of(&authed, &viewer, &found);
    page.reason.value = reason;
    if let Some(problem) = problem {
        page.reason.errors.push(problem.to_owned());
        return authed.page(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    page.said = Some(said(&found.0));
    authed.page(StatusCode::OK, &page)
}

/// Turns and slots with their words.
fn said(session: &Session) -> Vec<(&'static str, String)> {
    let turns = session.conversation.turns.iter().map(|turn| match turn.by {
        Speaker::Visitor => ("Visitor", turn.text.clone()),
        Speaker::Assistant => ("Assistant", turn.text.clone()),
    });
    let slots = Slot::ALL.into_iter().filter_map(|slot| {
        session.conversation.slots.answer(slot).map(|answer| (slot.facts().label, answer.text.clone()))
    });
    turns.chain(slots).collect()
}

/// The address that an account can be made for, or why none can.
pub(super) fn invitable(session: &Session) -> Result<&str, &'static str> {
    if session.user.is_some() {
        return Err("The conversation is claimed already.");
    }
    if session.conversation.ended.is_some() || !session.is_active {
        return Err("The conversation has ended, and can't be claimed any more.");
    }
    let contact = session.conversation.slots.answer(Slot::Contact).map(|answer| answer.text.as_str());
    contact.filter(|text| Email::parse(text).is_ok()).ok_or("The visitor has left no e-mail address.")
}

impl IntakeSessionPage {
    pub(super) fn of(authed: &AuthedRequest, viewer: &crate::identity::Viewer, found: &Found) -> Self {
        let (session, events, draft) = found;
        let now = authed.app.clock.now();
        let title = "Conversation";
        let way = vec![
            Crumb::link("Intake", "/intake"),
            Crumb::link("Conversations", "/intake/sessions"),
            Crumb::here(title),
        ];
        let shell = authed.shell(viewer, title).with_breadcrumbs(way);
        let row = |event: &analytics::EventLine| EventRow {
            at: Timestamp::new(event.at.unwrap_or_default(), now, viewer.zone),
            event: event.event_type.replace('_', " "),
            slot: event.slot.clone().unwrap_or_default(),
            score: event.score.map(|score| score.to_string()).unwrap_or_default(),
        };
        Self::with(shell, session, events.iter().map(row).collect(), *draft)
    }

    #[must_use]
    pub fn with(shell: Shell, session: &Session, events: Vec<EventRow>, draft: Option<i64>) -> Self {
        let state = match (&session.conversation.ended, session.user) {
            (Some(ended), _) => ended.clone(),
            (None, Some(_)) => "claimed".to_owned(),
            (None, None) => "active".to_owned(),
        };
        let slots = &session.conversation.slots;
        let told = |slot: Slot| match slots.answer(slot).map(|answer| answer.quality) {
            Some(Quality::Full) => "answered",
            Some(Quality::Vague) => "vague",
            None if slots.is_skipped(slot) => "skipped",
            None => "open",
        };
        let mut facts = vec![
            Fact::id("Session", &session.session_id),
            Fact::text("Score", slots.score().to_string()),
            Fact::text("Messages", session.conversation.turns.len().to_string()),
        ];
        facts.extend(session.attribution.chain().map(|chain| Fact::mono("Links followed", chain)));
        facts.extend(
            session.user.map(|user| Fact::link("Claimed by", "a user", crate::web::urls::user(user))),
        );
        Self {
            shell,
            url: format!("/intake/sessions/{}", session.id),
            title: format!("Conversation with a score of {}", slots.score()),
            badge: badge(&state),
            facts,
            slots: Slot::ALL.map(|slot| (slot.facts().label, told(slot))).to_vec(),
            events,
            reason: Field::default(),
            said: None,
            draft_url: draft.map(|draft| format!("/drafts/{draft}")),
            invite_url: invitable(session).is_ok().then(|| format!("/intake/sessions/{}/invite", session.id)),
            developer_ref: Field::of(session.attribution.developer_ref.clone().unwrap_or_default()),
            source: Field::of(session.attribution.source.clone().unwrap_or_default()),
            errors: Vec::new(),
        }
    }
}
