//! `GET /wireframes/{token}`: the screens of a draft, for whoever has the address.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::app::App;
use crate::db::{Actor, SecretHash};
use crate::drafts::wireframe::{self, Part, Screen};
use crate::error::{AppError, AppResult};
use crate::http::headers::Nonce;
use crate::http::session_store;
use crate::web::display::in_short;
use crate::web::page::render;
use crate::web::shell::Shell;

#[derive(Debug, Template)]
#[template(path = "wireframes/show.html")]
pub struct WireframePage {
    /// The frame.
    pub shell: Shell,
    pub title: String,
    pub screens: Vec<Drawing>,
}

/// One screen, drawn.
#[derive(Debug, Clone)]
pub struct Drawing {
    pub title: String,
    /// What stands on it, in words.
    pub description: String,
    pub height: usize,
    pub shapes: Vec<Shape>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// `box`, `field`, `button`, `row` or `picture`
    pub kind: &'static str,
    pub y: usize,
    pub height: usize,
    pub text: String,
    /// Where the text's line is.
    pub text_y: usize,
}

/// Characters of a text that fit.
const FITS: usize = 26;

impl Drawing {
    #[must_use]
    pub fn of(screen: &Screen) -> Self {
        let mut y = 40;
        let mut shapes = Vec::new();
        let mut words = Vec::new();
        for part in &screen.parts {
            let (kind, height, text) = match part {
                Part::Text(text) => ("text", 24, text.as_str()),
                Part::Field(text) => ("field", 32, text.as_str()),
                Part::Button(text) => ("button", 32, text.as_str()),
                Part::Rows(_) => ("row", 20, ""),
                Part::Picture => ("picture", 88, ""),
            };
            let count = if let Part::Rows(count) = part { (*count).min(8) } else { 1 };
            for _ in 0..count {
                shapes.push(Shape {
                    kind,
                    y,
                    height,
                    text: in_short(text, FITS),
                    text_y: y + height / 2 + 5,
                });
                y += height + 8;
            }
            words.push(match part {
                Part::Rows(count) => format!("{count} rows"),
                Part::Picture => "a picture".to_owned(),
                Part::Field(text) => format!("a field, {text}"),
                Part::Button(text) => format!("a button, {text}"),
                Part::Text(text) => text.clone(),
            });
        }
        Self {
            title: in_short(&screen.title, 60),
            description: words.join("; "),
            height: y.max(320) + 8,
            shapes,
        }
    }
}

pub async fn show(app: web::Data<App>, request: HttpRequest) -> AppResult<HttpResponse> {
    let token = request.match_info().get("token").filter(|token| session_store::is_token(token));
    let hash = SecretHash::of(token.ok_or(AppError::NotFound)?);
    let found = app.db.read(&Actor::Gate, move |conn| wireframe::behind(conn, &hash).map_err(AppError::from));
    let (title, screens) = found.await?.ok_or(AppError::NotFound)?;
    let mut shell = Shell::anonymous(format!("Wireframe of {title}"));
    shell.nonce = Nonce::of(&request);
    let page = WireframePage { shell, title, screens: screens.iter().map(Drawing::of).collect() };
    let mut response = render(StatusCode::OK, &page)?;
    let headers = response.headers_mut();
    headers
        .insert(header::HeaderName::from_static("x-robots-tag"), header::HeaderValue::from_static("noindex"));
    headers.insert(header::REFERRER_POLICY, header::HeaderValue::from_static("strict-origin"));
    Ok(response)
}
