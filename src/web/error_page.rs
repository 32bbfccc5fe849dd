//! Turns an error of a page's handler into a page; API errors are left to [`crate::http::problem`].

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::dev::ServiceResponse;
use actix_web::http::{ConnectionType, Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use askama::Template;

use super::display::{HiddenField, Link};
use super::flash::{self, Flash};
use super::shell::{Crumb, Shell};
use crate::app::App;
use crate::error::ErrorInfo;
use crate::http::authed_request::{SeenViewer, SessionEnded};
use crate::http::forms::{self, Typed};
use crate::http::guard::request_id;
use crate::http::headers::Nonce;
use crate::http::problem;
use crate::web::sessions::sign_in_location;

/// What an error's page says.
#[derive(Debug, Clone)]
pub struct ErrorView {
    /// What happened.
    pub title: String,
    /// Why and what to do.
    pub text: String,
    /// The request's id, for whoever reads the log; only when something failed.
    pub request_id: Option<String>,
    /// The ways on.
    pub actions: Vec<Link>,
    /// What was typed, to be sent again.
    pub again: Option<Again>,
}

/// A form that was not taken.
#[derive(Debug, Clone)]
pub struct Again {
    /// Where it was sent.
    pub url: String,
    /// What it held.
    pub fields: Vec<HiddenField>,
    /// What of it somebody typed: label and value.
    pub typed: Vec<(String, String)>,
    /// What is never shown again, and so has to be typed again.
    pub secrets: Vec<Secret>,
    /// The button.
    pub verb: &'static str,
}

/// A field that is empty whenever it is shown.
#[derive(Debug, Clone)]
pub struct Secret {
    pub name: String,
    pub label: String,
}

/// An error inside the frame of somebody who is signed in.
#[derive(Debug, Template)]
#[template(path = "errors/show.html")]
pub struct ErrorPage {
    /// The frame.
    pub shell: Shell,
    /// What it says.
    pub error: ErrorView,
}

/// An error before anybody is known.
#[derive(Debug, Template)]
#[template(path = "errors/plain.html")]
pub struct PlainErrorPage {
    /// The frame.
    pub shell: Shell,
    /// What it says.
    pub error: ErrorView,
}

fn title(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "That request can't be read",
        403 => "Not from here",
        404 => "Not found",
        405 => "That can't be done here",
        408 => "Too slow",
        409 => "Changed in the meantime",
        413 => "Too large",
        415 => "Wrong kind of form",
        429 => "Too much at once",
        503 => "Unavailable right now",
        _ => "Something failed",
    }
}

/// Renders errors; everything else passes untouched.
pub async fn render<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let response = next.call(request).await?;
    let status = response.status();
    let is_ours = response.response().extensions().get::<ErrorInfo>().is_some();
    let is_empty_error = (status.is_client_error() || status.is_server_error())
        && response.headers().get(header::CONTENT_TYPE).is_none();
    if !is_ours && !is_empty_error {
        return Ok(response.map_into_left_body());
    }
    let (request, plain) = response.into_parts();
    Ok(finish(ServiceResponse::new(request, plain.map_into_boxed_body())).map_into_right_body())
}

fn finish(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let (request, plain) = response.into_parts();
    let info = plain.extensions().get::<ErrorInfo>().cloned();
    let status = plain.status();
    let info = info.unwrap_or_else(|| ErrorInfo {
        status,
        detail: fallback_detail(status).to_owned(),
        fields: Vec::new(),
    });
    let is_api = ["/api/", "/webhooks/", "/metrics"].iter().any(|below| request.path().starts_with(below));
    let mut answer = if is_api {
        problem::answer(&info, &request_id(&request))
    } else if status == StatusCode::UNAUTHORIZED {
        sign_in(&request)
    } else {
        page(&request, &info)
    };
    for (name, value) in plain.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            answer.headers_mut().append(name.clone(), value.clone());
        }
    }
    if matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
        // The rest of the request is not worth waiting for.
        answer.head_mut().set_connection_type(ConnectionType::Close);
    }
    if request.method() == Method::HEAD {
        answer = answer.drop_body().map_into_boxed_body();
    }
    ServiceResponse::new(request, answer)
}

/// Leads to the sign-in page, which says so when a session has ended.
fn sign_in(request: &HttpRequest) -> HttpResponse {
    let mut answer = super::urls::see_other(&sign_in_location(request));
    let ended = request.extensions().get::<SessionEnded>().is_some();
    if let Some(app) = request.app_data::<web::Data<App>>().filter(|_| ended) {
        flash::leave(app, &mut answer, &Flash::warning(ENDED));
    }
    answer
}

const ENDED: &str = "Your session has ended: it was not used for long, or it was ended elsewhere. \
                     Sign in to go on where you were.";

fn fallback_detail(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "There is nothing at this address, or it is not yours to see.",
        405 => "This address does not take that method.",
        413 => "What was sent is larger than this address takes.",
        _ => "The request can't be understood.",
    }
}

fn page(request: &HttpRequest, info: &ErrorInfo) -> HttpResponse {
    let failed = info.status.is_server_error();
    let seen = request.extensions().get::<SeenViewer>().cloned();
    let title = title(info.status);
    let mut actions = vec![Link::new("Go to the dashboard", "/")];
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if failed && is_read {
        actions.insert(0, Link::new("Try again", here(request)));
    }
    // The address of a form that has no page of its own, from the browser's history.
    if let Some((page, _)) = request.path().rsplit_once('/').filter(|(page, _)| !page.is_empty())
        && is_read
        && info.status == StatusCode::METHOD_NOT_ALLOWED
    {
        actions.insert(0, Link::new("Go to the page with its form", page));
    }
    let error = ErrorView {
        title: title.to_owned(),
        text: info.detail.clone(),
        request_id: failed.then(|| request_id(request)),
        actions,
        again: match info.status {
            StatusCode::TOO_MANY_REQUESTS => again(request, "Send it again"),
            _ if failed => again(request, "Try again"),
            _ => None,
        },
    };
    let rendered = if let Some(SeenViewer(viewer)) = &seen {
        let mut shell = Shell::for_viewer(viewer, title, request.path());
        shell.breadcrumbs = vec![Crumb::here(title)];
        shell.nonce = Nonce::of(request);
        ErrorPage { shell, error }.render()
    } else {
        let mut shell = Shell::anonymous(title);
        shell.nonce = Nonce::of(request);
        PlainErrorPage { shell, error }.render()
    };
    let body = rendered.unwrap_or_else(|error| {
        tracing::error!(%error, "the error page could not be rendered");
        "<!doctype html><title>Error</title><p>Something failed.".to_owned()
    });
    HttpResponse::build(info.status).content_type("text/html; charset=utf-8").body(body)
}

fn here(request: &HttpRequest) -> String {
    request.uri().path_and_query().map_or("/", |here| here.as_str()).to_owned()
}

/// What pages put into their forms for themselves.
const NOT_TYPED: [&str; 3] = ["updated_at", "next", "format"];

fn again(request: &HttpRequest, verb: &'static str) -> Option<Again> {
    let Typed { kept, secrets } = forms::sent(request)?;
    let typed = kept.iter().filter(|(name, value)| !value.is_empty() && !NOT_TYPED.contains(&name.as_str()));
    Some(Again {
        url: here(request),
        typed: typed.map(|(name, value)| (label(name), value.clone())).collect(),
        fields: kept.into_iter().map(|(name, value)| HiddenField { name, value }).collect(),
        secrets: secrets.into_iter().map(|name| Secret { label: label(&name), name }).collect(),
        verb,
    })
}

/// The name of a field as people read it: `container_id` is "Container id".
fn label(name: &str) -> String {
    let name = name.replace('_', " ");
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
