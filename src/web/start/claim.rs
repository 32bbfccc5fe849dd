//! `GET|POST /start/claim`: a visitor's conversation becomes a user's, here or on another device.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use askama::Template;
use serde::Deserialize;

use super::Visit;
use super::show::find;
use crate::assistant::{commands, queries};
use crate::db::{Actor, SecretHash};
use crate::error::{AppError, AppResult};
use crate::http::authed_request::AuthedRequest;
use crate::http::forms::Form;
use crate::http::query::Query;
use crate::http::session_store;
use crate::web::shell::Shell;
use crate::web::urls;

#[derive(Debug, Template)]
#[template(path = "start/claim.html")]
pub struct ClaimPage {
    /// The frame.
    pub shell: Shell,
    pub errors: Vec<String>,
    pub is_signed_in: bool,
    /// What may be claimed: the draft's title.
    pub offered: Option<String>,
    /// The secret of the link that led here, for the form.
    pub link: String,
    /// A link for another device, this once.
    pub made: Option<String>,
    /// Whether a visitor's conversation goes on in this browser.
    pub has_conversation: bool,
}

#[derive(Deserialize)]
pub struct ClaimForm {
    /// The ticked box.
    #[serde(default)]
    claim: String,
    #[serde(default)]
    link: String,
    /// `link` makes one for another device, `sign-in` leads there.
    #[serde(default)]
    act: String,
}

/// The secret that stands for a conversation: a link's, else this browser's.
fn secret(visit: &Visit, link: &str) -> Option<SecretHash> {
    if session_store::is_token(link) { Some(SecretHash::of(link)) } else { visit.guest().cloned() }
}

pub async fn show(visit: Visit, authed: Option<AuthedRequest>, query: Query) -> AppResult<HttpResponse> {
    let link = query.first("link").unwrap_or_default().to_owned();
    page(&visit, authed, &link, Vec::new(), StatusCode::OK).await
}

async fn page(
    visit: &Visit,
    authed: Option<AuthedRequest>,
    link: &str,
    errors: Vec<String>,
    status: StatusCode,
) -> AppResult<HttpResponse> {
    let hash = secret(visit, link);
    let offered = match authed {
        Some(authed) => {
            let read = authed.read(move |conn, _| match &hash {
                Some(hash) => Ok(queries::offered(conn, hash)?),
                None => Ok(None),
            });
            match read.await {
                Ok((viewer, offered)) => Some((viewer, offered)),
                Err(AppError::SignIn) => None,
                Err(error) => return Err(error),
            }
        }
        None => None,
    };
    let link = if session_store::is_token(link) { link.to_owned() } else { String::new() };
    // A secret that opens nothing any more would lead here at each sign-in.
    let is_spent = link.is_empty() && visit.guest().is_some() && matches!(offered, Some((_, None)));
    let page = if let Some((viewer, offered)) = offered {
        ClaimPage {
            shell: visit.shell(Some(&viewer), "Claim a conversation"),
            errors,
            is_signed_in: true,
            offered,
            link,
            made: None,
            has_conversation: false,
        }
    } else {
        let (_, found) = visit.read(find).await?;
        ClaimPage {
            shell: visit.shell(None, "Take it with you"),
            errors,
            is_signed_in: false,
            offered: None,
            has_conversation: found.flatten().is_some(),
            link,
            made: None,
        }
    };
    let mut response = answer(visit, status, &page)?;
    if is_spent {
        visit.let_out(&mut response)?;
    }
    Ok(response)
}

fn answer(visit: &Visit, status: StatusCode, page: &ClaimPage) -> AppResult<HttpResponse> {
    let mut response = visit.page(status, page)?;
    // The address may hold a link's secret.
    response.headers_mut().insert(header::REFERRER_POLICY, header::HeaderValue::from_static("strict-origin"));
    Ok(response)
}

/// Claims what is offered, or makes a link for another device.
pub async fn carry_out(
    visit: Visit,
    authed: Option<AuthedRequest>,
    form: Form<ClaimForm>,
) -> AppResult<HttpResponse> {
    match form.0.act.as_str() {
        "link" => return make_link(&visit).await,
        "sign-in" => return go_to_sign_in(&visit).await,
        _ => {}
    }
    let Some(authed) = authed else { return Err(AppError::SignIn) };
    if form.0.claim != "yes" {
        let words = vec!["Tick the box to take the conversation into your account.".to_owned()];
        return page(&visit, Some(authed), &form.0.link, words, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let Some(hash) = secret(&visit, &form.0.link) else {
        authed.read(|_, _| Ok(())).await?;
        return Err(AppError::NotFound);
    };
    let principal = authed.principal();
    let of_claimed = hash.clone();
    authed
        .write(move |conn, viewer| {
            commands::claim(conn, &principal(viewer), &of_claimed).map_err(AppError::from)
        })
        .await?;
    let mut response = authed.redirect_with_notice("/start/draft", "The conversation is yours now.");
    if visit.guest().is_some_and(|own| *own == hash) {
        visit.let_out(&mut response)?;
    }
    Ok(response)
}

/// Puts on record that a visitor goes to sign in, and leads there.
async fn go_to_sign_in(visit: &Visit) -> AppResult<HttpResponse> {
    if let Some(hash) = visit.guest().cloned() {
        let actor = Actor::Guest(hash);
        let noted =
            visit.app.db.write(&actor, |conn| commands::goes_to_sign_in(conn).map_err(AppError::from));
        if let Err(error) = noted.await {
            tracing::debug!(%error, "that a visitor went to sign in was not written");
        }
    }
    Ok(urls::see_other("/login?next=%2Fstart%2Fclaim"))
}

async fn make_link(visit: &Visit) -> AppResult<HttpResponse> {
    let secret = visit.app.entropy.secret();
    let hash = SecretHash::of(&secret);
    let made = visit
        .write(move |conn, whose, _| {
            if whose.user().is_some() {
                return Err(AppError::BadRequest(
                    "You are signed in: sign in on the other device, and the conversation is there."
                        .to_owned(),
                ));
            }
            Ok(commands::make_claim_link(conn, &hash)?)
        })
        .await?;
    made.ok_or(AppError::NotFound)?;
    let base = crate::web::users::link::base_of(&visit.app, &visit.request);
    let page = ClaimPage {
        shell: visit.shell(None, "Take it with you"),
        errors: Vec::new(),
        is_signed_in: false,
        offered: None,
        link: String::new(),
        made: Some(format!("{base}/start/claim?link={secret}")),
        has_conversation: true,
    };
    answer(visit, StatusCode::OK, &page)
}
