//! `GET|POST /start/delete`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::Visit;
use super::show::find;
use crate::assistant::commands;
use crate::assistant::queries::Whose;
use crate::error::{AppError, AppResult};
use crate::http::forms::Form;
use crate::web::flash::Flash;
use crate::web::shell::Shell;
use crate::web::urls;

#[derive(Debug, Template)]
#[template(path = "start/delete.html")]
pub struct DeletePage {
    /// The frame.
    pub shell: Shell,
    /// "6 messages and a draft"
    pub goes: String,
    /// What stays.
    pub stays: &'static str,
}

const OF_VISITOR: &str = "That it was begun and how far it came stays as numbers, without a word of yours and without your address.";
const OF_USER: &str = "A draft stays: it has its own page, under Drafts.";

impl DeletePage {
    #[must_use]
    pub fn with(shell: Shell, is_signed_in: bool, messages: usize, has_draft: bool) -> Self {
        let words = crate::web::display::counted(messages, "message", "messages");
        let goes = if has_draft && !is_signed_in { format!("{words} and the draft") } else { words };
        Self { shell, goes, stays: if is_signed_in { OF_USER } else { OF_VISITOR } }
    }
}

/// Says what will go.
pub async fn confirm(visit: Visit) -> AppResult<HttpResponse> {
    let (viewer, found) = visit.read(find).await?;
    let Some((session, draft)) = found.flatten() else { return Ok(urls::see_other("/start")) };
    let shell = visit.shell(viewer.as_ref(), "Delete the conversation");
    let page = DeletePage::with(shell, viewer.is_some(), session.conversation.turns.len(), draft.is_some());
    visit.page(StatusCode::OK, &page)
}

/// Deletes it. Of a visitor nothing is left but numbers.
pub async fn carry_out(visit: Visit, _: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let guest = visit.guest().cloned();
    let at = visit.app.clock.now();
    let written = visit
        .write(move |conn, whose, principal| {
            match (whose, guest) {
                (Whose::Guest, Some(hash)) => commands::forget_visitor(conn, principal, &hash)?,
                (whose, _) => commands::forget(conn, principal, whose, at)?,
            }
            Ok(whose == Whose::Guest)
        })
        .await?;
    let was_visitor = written.ok_or(AppError::NotFound)?;
    let mut response = visit.redirect_with("/start", Flash::good("The conversation is deleted."));
    if was_visitor {
        visit.let_out(&mut response)?;
    }
    Ok(response)
}
