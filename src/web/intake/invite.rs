//! `POST /intake/sessions/{id}/invite`: an account for a visitor who left an address, so that what they described goes on.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use uuid::Uuid;

use super::session::{IntakeSessionPage, find, invitable};
use crate::assistant::record;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::web::path;
use crate::web::users::fields::UserForm;
use crate::web::users::link::OneTimeLink;
use crate::web::users::new::create_user;

/// Makes the account, and leads to the page that shows the link to set its password.
pub async fn create(authed: AuthedRequest, _: Form<Vec<(String, String)>>) -> AppResult<HttpResponse> {
    let id = path::id::<Uuid>(&authed.request, "id");
    let link = OneTimeLink::new(&authed);
    let (principal, hash) = (authed.principal(), link.hash());
    let (viewer, outcome) = authed
        .write_as_admin(move |conn, admin| {
            let found = find(conn, id?)?;
            let principal = principal(admin);
            let email = match invitable(&found.0) {
                Ok(email) => email.to_owned(),
                Err(words) => return Ok(Err((found, vec![words.to_owned()]))),
            };
            let form = UserForm { email, role: "owner".to_owned(), ..UserForm::default() };
            match create_user(conn, &principal, &form, &hash)? {
                Ok(user) => {
                    record::put_invitation_on_record(conn, &principal, &found.0, user)?;
                    Ok(Ok(user))
                }
                Err(fields) => {
                    let mut words = fields.email.errors;
                    words.push("Whoever has that account signs in and claims the conversation.".to_owned());
                    Ok(Err((found, words)))
                }
            }
        })
        .await?;
    match outcome {
        Ok(user) => Ok(link.hand_over(&authed, user)),
        Err((found, errors)) => {
            let mut page = IntakeSessionPage::of(&authed, &viewer, &found);
            page.errors = errors;
            authed.page(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}
