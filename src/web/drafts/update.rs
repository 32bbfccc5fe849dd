//! `POST /drafts/{id}`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Deserialize;

use super::show::{DraftFields, DraftPage, as_typed, of};
use super::{id, unforeseen};
use crate::drafts::commands::{self, DraftError};
use crate::drafts::model::{Refused, Typed};
use crate::drafts::queries::DraftView;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::web::version::{self, Difference, Seen, differences};

/// What the form sends; what a script leaves out stays as it is.
#[derive(Clone, Deserialize)]
pub struct DraftForm {
    title: Option<String>,
    description: Option<String>,
    generated_skills: Option<String>,
    generated_milestones: Option<String>,
    estimated_budget_range: Option<String>,
    estimated_timeline: Option<String>,
    updated_at: Option<String>,
}

impl DraftForm {
    fn typed(self, stored: &DraftView) -> Typed {
        let stored = as_typed(stored);
        Typed {
            title: self.title.unwrap_or(stored.title),
            description: self.description.unwrap_or(stored.description),
            skills: self.generated_skills.unwrap_or(stored.skills),
            milestones: self.generated_milestones.unwrap_or(stored.milestones),
            budget: self.estimated_budget_range.unwrap_or(stored.budget),
            timeline: self.estimated_timeline.unwrap_or(stored.timeline),
        }
    }
}

enum Outcome {
    Saved,
    Invalid(Typed, Refused),
    Stale(Typed, Box<DraftView>),
    Obstacles(Typed, Vec<String>),
}

/// Saves what was typed, or shows the form again with what is wrong.
pub async fn update(authed: AuthedRequest, form: Form<DraftForm>) -> AppResult<HttpResponse> {
    let id = id(&authed.request);
    let seen = Seen::parse(form.0.updated_at.as_deref())?;
    let principal = authed.principal();
    let (_, (id, outcome)) = authed
        .write(move |conn, viewer| {
            let id = id?;
            let (stored, _) = of(conn, viewer, id)?;
            if stored.owner != Some(viewer.id) {
                return Err(AppError::NotFound);
            }
            let seen = seen.or(stored.updated_at);
            let typed = form.0.typed(&stored);
            let texts = match typed.read() {
                Ok(texts) => texts,
                Err(refused) => return Ok((id, Outcome::Invalid(typed, refused))),
            };
            let outcome = match commands::edit(conn, &principal(viewer), id, &texts, seen) {
                Ok(()) => Outcome::Saved,
                Err(DraftError::Stale(current)) => Outcome::Stale(typed, current),
                Err(DraftError::Obstacles(sentences)) => Outcome::Obstacles(typed, sentences),
                Err(error) => return Err(unforeseen(error)),
            };
            Ok((id, outcome))
        })
        .await?;
    let (status, typed, refused, errors, stale) = match outcome {
        Outcome::Saved => {
            return Ok(authed.redirect_with_notice(&format!("/drafts/{id}"), "Draft saved."));
        }
        Outcome::Invalid(typed, refused) => {
            let words = vec!["Nothing was saved. See what is marked below.".to_owned()];
            (StatusCode::UNPROCESSABLE_ENTITY, typed, refused, words, None)
        }
        Outcome::Obstacles(typed, words) => (StatusCode::CONFLICT, typed, Refused::default(), words, None),
        Outcome::Stale(typed, current) => {
            (StatusCode::CONFLICT, typed, Refused::default(), Vec::new(), Some(current))
        }
    };
    let (viewer, found) = authed.read(move |conn, viewer| of(conn, viewer, id)).await?;
    let mut page = DraftPage::of(&authed, &viewer, &found.0, found.1);
    page.errors = errors;
    if let Some(current) = stale {
        page.errors.push(version::conflict_notice("this draft", None, &viewer));
        page.conflict = conflict(&typed, &current);
    }
    page.fields = DraftFields::typed(&typed, refused);
    authed.page(status, &page)
}

fn conflict(typed: &Typed, current: &DraftView) -> Vec<Difference> {
    let stored = as_typed(current);
    differences([
        ("Title", typed.title.clone(), stored.title),
        ("Description", typed.description.clone(), stored.description),
        ("Skills", typed.skills.clone(), stored.skills),
        ("Milestones", typed.milestones.clone(), stored.milestones),
        ("Budget", typed.budget.clone(), stored.budget),
        ("Time", typed.timeline.clone(), stored.timeline),
    ])
}
