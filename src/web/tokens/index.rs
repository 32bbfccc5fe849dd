//! `GET /tokens`: everybody's tokens, for admins.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::TokenRow;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::tokens::queries;
use crate::web::shell::{Crumb, Shell};

#[derive(Debug, Template)]
#[template(path = "tokens/index.html")]
pub struct TokensPage {
    /// The frame.
    pub shell: Shell,
    pub tokens: Vec<TokenRow>,
    /// Whether rows say who made them.
    pub shows_maker: bool,
}

/// Lists all tokens.
pub async fn index(authed: AuthedRequest) -> AppResult<HttpResponse> {
    let now = authed.app.clock.now();
    let (viewer, lines) = authed.read_as_admin(|conn, _| Ok(queries::list(conn, None)?)).await?;
    let shell = authed.shell(&viewer, "Tokens").with_breadcrumbs(vec![Crumb::here("Tokens")]);
    let tokens = lines.iter().map(|line| TokenRow::new(line, now, viewer.zone)).collect();
    authed.page(StatusCode::OK, &TokensPage { shell, tokens, shows_maker: true })
}
