//! `POST /account/profile`

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Deserialize;

use super::show::AccountPage;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{Field, Form, is_untouched};
use crate::users::UserName;
use crate::users::commands::{self, ChangeError};
use crate::users::queries::UserView;
use crate::web::version::{self, Seen};

#[derive(Debug, Clone, Deserialize)]
pub struct ProfileForm {
    name: String,
    updated_at: Option<String>,
}

/// Why nothing was saved.
enum Refused {
    Invalid(String),
    Stale(Box<UserView>),
}

/// Changes the viewer's name.
///
/// # Errors
/// 400 for a version that is no time; refusals are pages.
pub async fn update(authed: AuthedRequest, form: Form<ProfileForm>) -> AppResult<HttpResponse> {
    let principal = authed.principal();
    let typed = form.0.name.clone();
    let seen = match Seen::parse(form.0.updated_at.as_deref())? {
        Seen::Present => None,
        Seen::At(at) => Some(at),
    };
    let (viewer, refused) = authed
        .write(move |conn, viewer| {
            if is_untouched(&typed, viewer.name.as_deref().unwrap_or_default()) {
                return Ok(None);
            }
            let name = match UserName::parse(&typed) {
                Ok(name) => name,
                Err(problem) => return Ok(Some(Refused::Invalid(problem))),
            };
            match commands::rename(conn, &principal(viewer), viewer.id, &name, seen) {
                Ok(()) => Ok(None),
                Err(ChangeError::Stale(current)) => Ok(Some(Refused::Stale(current))),
                Err(error) => Err(error.into()),
            }
        })
        .await?;
    let mut page = AccountPage::of(&viewer, authed.app.clock.now());
    match refused {
        None => Ok(authed.redirect_with_notice("/account", "Your profile is saved.")),
        Some(Refused::Invalid(problem)) => {
            page.name_field = Field { value: form.0.name, errors: vec![problem] };
            // What was typed was typed over what the form showed, not over what is stored now.
            if let Some(seen) = form.0.updated_at {
                page.updated_at = seen;
            }
            page.refuse(&authed, &viewer)
        }
        Some(Refused::Stale(current)) => {
            let stored = current.name.unwrap_or_default();
            page.conflict = version::differences([("Name", form.0.name.clone(), stored)]);
            page.name_field = Field::of(form.0.name);
            page.errors.push("Your profile was saved meanwhile, in another window of yours or by an admin. Nothing of yours is lost: your \
                 text stands below, and saving again replaces what is stored."
                    .to_owned());
            page.answer(&authed, &viewer, StatusCode::CONFLICT)
        }
    }
}
