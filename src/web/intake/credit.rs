//! `POST /intake/sessions/{id}/attribution`: somebody else is credited with a conversation.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::session::{IntakeSessionPage, find};
use crate::drafts::crediting;
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{Field, Form};
use crate::referrals::{Attribution, Hop, is_word};
use crate::web::path;

/// Both are needed: what was left out is not what was emptied.
#[derive(Deserialize)]
pub struct CreditForm {
    developer_ref: String,
    source: String,
}

/// Corrects who is credited; nobody, where both fields are empty.
pub async fn update(authed: AuthedRequest, form: Form<CreditForm>) -> AppResult<HttpResponse> {
    let id = path::id::<Uuid>(&authed.request, "id");
    let (code, source) = (form.0.developer_ref.trim().to_owned(), form.0.source.trim().to_owned());
    let problem = |text: &str| {
        let words = "Use letters, digits, dots, dashes and underscores, at most 64 of them.";
        (!text.is_empty() && !is_word(text)).then(|| words.to_owned())
    };
    let fields = [&code, &source]
        .map(|text| Field { value: text.clone(), errors: problem(text).into_iter().collect() });
    let is_wrong = fields.iter().any(|field| !field.errors.is_empty());
    let credited = Hop::read(Some(&code), Some(&source));
    let attribution = credited.map_or_else(Attribution::default, |hop| Attribution::default().followed(hop));
    let principal = authed.principal();
    let (viewer, found) = authed
        .write_as_admin(move |conn, admin| {
            let found = find(conn, id?)?;
            if !is_wrong && !crediting::correct(conn, &principal(admin), found.0.id, &attribution)? {
                return Err(AppError::NotFound);
            }
            Ok(found)
        })
        .await?;
    let mut page = IntakeSessionPage::of(&authed, &viewer, &found);
    if is_wrong {
        page.errors.push("Nothing was changed. Check the marked fields.".to_owned());
        [page.developer_ref, page.source] = fields;
        return authed.page(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    Ok(authed.redirect_with_notice(&page.url, "The attribution is as you wrote it."))
}
