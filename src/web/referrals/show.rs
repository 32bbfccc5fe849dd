//! `GET|POST /referrals`: an owner's own link, and what came of it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde::Deserialize;

use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::{Field, Form};
use crate::referrals::codes::{self, CodeError, Counts};
use crate::web::shell::{Crumb, Shell};
use crate::web::users::link::base;

#[derive(Debug, Template)]
#[template(path = "referrals/show.html")]
pub struct ReferralsPage {
    /// The frame.
    pub shell: Shell,
    /// The whole address to hand on; none without a code.
    pub link: Option<String>,
    pub code: Field,
    /// What is counted, and how many: "fewer than 5" hides small groups.
    pub counts: Vec<(&'static str, String)>,
}

#[derive(Deserialize)]
pub struct CodeForm {
    #[serde(default)]
    code: String,
}

/// Groups under this say no number.
const SHOWN_FROM: i64 = 5;

fn shown(count: i64) -> String {
    match count {
        0 => "0".to_owned(),
        few if few < SHOWN_FROM => format!("fewer than {SHOWN_FROM}"),
        many => crate::web::display::grouped(many),
    }
}

pub async fn show(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let (viewer, (code, counts)) =
        authed.read(|conn, viewer| Ok((codes::own(conn, viewer.id)?, codes::counts(conn)?))).await?;
    let shell = authed.shell(&viewer, "Referrals").with_breadcrumbs(vec![Crumb::here("Referrals")]);
    let link = code.map(|code| format!("{}/start?ref={code}", base(&authed)));
    authed.page(StatusCode::OK, &ReferralsPage::with(shell, link, counts))
}

/// Makes a code, once and for all.
pub async fn create(authed: AuthedRequest, form: Form<CodeForm>) -> AppResult<HttpResponse> {
    let principal = authed.principal();
    let typed = form.0.code.trim().to_owned();
    let wanted = typed.clone();
    let (viewer, outcome) = authed
        .write(move |conn, viewer| match codes::make(conn, &principal(viewer), &wanted) {
            Ok(()) => Ok(None),
            Err(CodeError::Query(error)) => Err(error.into()),
            Err(other) => Ok(Some(other.to_string())),
        })
        .await?;
    let Some(problem) = outcome else {
        return Ok(authed.redirect_with_notice("/referrals", "The code is yours."));
    };
    let shell = authed.shell(&viewer, "Referrals").with_breadcrumbs(vec![Crumb::here("Referrals")]);
    let mut page = ReferralsPage::with(shell, None, None);
    page.code = Field { value: typed, errors: vec![problem] };
    authed.page(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

impl ReferralsPage {
    #[must_use]
    pub fn with(shell: Shell, link: Option<String>, counts: Option<Counts>) -> Self {
        let counts = counts.map(|counts| {
            vec![
                ("Conversations", shown(counts.conversations)),
                ("Drafts", shown(counts.drafts)),
                ("Posted", shown(counts.posted)),
                ("Projects", shown(counts.projects)),
            ]
        });
        Self { shell, link, code: Field::default(), counts: counts.unwrap_or_default() }
    }
}
