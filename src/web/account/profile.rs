//! `POST /account/profile`

use actix_web::HttpResponse;
use serde::Deserialize;

use super::show::AccountPage;
use crate::error::AppResult;
use crate::users::{UserName, commands};
use crate::web::forms::{Field, Form};
use crate::web::visit::Visit;

/// What the form sends.
#[derive(Debug, Clone, Deserialize)]
pub struct ProfileForm {
    name: String,
}

/// Changes the viewer's name.
///
/// # Errors
/// When the database can't be asked; refusals are pages.
pub async fn update(visit: Visit, form: Form<ProfileForm>) -> AppResult<HttpResponse> {
    let principal = visit.principal();
    let parsed = UserName::parse(&form.0.name);
    let (viewer, problem) = visit
        .write(move |conn, viewer| match parsed {
            Ok(name) => {
                commands::rename(conn, &principal(viewer), viewer.id, &name)?;
                Ok(None)
            }
            Err(problem) => Ok(Some(problem)),
        })
        .await?;
    let Some(problem) = problem else {
        return Ok(visit.redirect_with_notice("/account", "Your profile is saved."));
    };
    let mut page = AccountPage::of(&viewer);
    page.name_field = Field { value: form.0.name, errors: vec![problem] };
    page.refuse(&visit, &viewer)
}
