//! `GET|POST /start/draft`: what is known, slot by slot, and the draft as it stands.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use super::Visit;
use super::show::{Found, Panel, find};
use crate::assistant::commands::{self, SlotDeed, TalkError};
use crate::assistant::reading;
use crate::assistant::slots::Slot;
use crate::error::{AppError, AppResult};
use crate::http::forms::Form;
use crate::identity::Viewer;
use crate::web::shell::Shell;
use crate::web::urls;

#[derive(Debug, Template)]
#[template(path = "start/draft.html")]
pub struct StartDraftPage {
    /// The frame.
    pub shell: Shell,
    pub panel: Panel,
    pub errors: Vec<String>,
}

#[derive(Deserialize)]
pub struct SlotForm {
    #[serde(default)]
    slot: String,
    /// `save`, `skip` or `ask`
    #[serde(default)]
    act: String,
    #[serde(default)]
    value: String,
}

pub async fn show(visit: Visit) -> AppResult<HttpResponse> {
    let (viewer, found) = visit.read(find).await?;
    match found.flatten() {
        Some(found) => visit.page(StatusCode::OK, &StartDraftPage::of(&visit, viewer.as_ref(), Some(found))),
        None => Ok(urls::see_other("/start")),
    }
}

/// Writes into a slot, skips it, or asks about it again.
pub async fn update(visit: Visit, form: Form<SlotForm>) -> AppResult<HttpResponse> {
    let slot = Slot::from_stored(&form.0.slot)
        .ok_or_else(|| AppError::BadRequest("The form names no slot that there is.".to_owned()))?;
    let at = visit.app.clock.now();
    let deed = match form.0.act.as_str() {
        "skip" => SlotDeed::Skip,
        "ask" => SlotDeed::AskAgain,
        _ => match reading::check(slot, &form.0.value, at.date_naive()) {
            Ok(answer) => SlotDeed::Edit(answer),
            Err(problem) => return refuse(&visit, slot, &form.0.value, problem).await,
        },
    };
    let is_asked = deed == SlotDeed::AskAgain;
    let written = visit
        .write(move |conn, whose, _| {
            commands::change_slot(conn, whose, slot, deed, at).map_err(AppError::from)
        })
        .await;
    match written {
        Ok(Some(())) if is_asked => Ok(urls::see_other("/start#question")),
        Ok(Some(())) => Ok(urls::see_other("/start#slots")),
        Ok(None) => Err(TalkError::NoSession.into()),
        Err(error) => Err(error),
    }
}

async fn refuse(visit: &Visit, slot: Slot, typed: &str, problem: String) -> AppResult<HttpResponse> {
    let (viewer, found) = visit.read(find).await?;
    let found = found.flatten().ok_or(AppError::NotFound)?;
    let mut page = StartDraftPage::of(visit, viewer.as_ref(), Some(found));
    page.errors.push(format!("{} was not changed.", slot.facts().label));
    for card in page.panel.slots.iter_mut().filter(|card| card.name == slot.as_str()) {
        card.field.value = typed.chars().take(1000).collect();
        card.field.errors.push(problem.clone());
        card.is_open = true;
    }
    visit.page(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

impl StartDraftPage {
    fn of(visit: &Visit, viewer: Option<&Viewer>, found: Found) -> Self {
        Self::with(visit.shell(viewer, "Your draft"), viewer.is_some(), found)
    }

    #[must_use]
    pub fn with(shell: Shell, is_signed_in: bool, found: Found) -> Self {
        let (session, draft) = found.unzip();
        let conversation = session.map(|session| session.conversation).unwrap_or_default();
        let panel =
            Panel::of(&conversation.slots, conversation.asked, draft.flatten().as_ref(), is_signed_in, true);
        Self { shell, panel, errors: Vec::new() }
    }
}
