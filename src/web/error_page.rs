//! Turns an error of a page's handler into a page; API errors are left to [`crate::http::problem`].

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::dev::ServiceResponse;
use actix_web::http::{ConnectionType, Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use askama::Template;

use super::display::{HiddenField, Link};
use super::sample::{HOSTILE, Sample};
use super::shell::Shell;
use crate::error::ErrorInfo;
use crate::http::authed_request::SeenViewer;
use crate::http::guard::request_id;
use crate::http::headers::Nonce;
use crate::http::{forms, problem};
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
    let is_api = ["/api/", "/webhooks/"].iter().any(|below| request.path().starts_with(below));
    let mut answer = if is_api {
        problem::answer(&info, &request_id(&request))
    } else if status == StatusCode::UNAUTHORIZED {
        super::urls::see_other(&sign_in_location(&request))
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

fn fallback_detail(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "There is nothing at this address, or it is not yours to see.",
        405 => "This address does not take that method.",
        413 => "What was sent is larger than this address takes.",
        _ => "The request can't be understood.",
    }
}

fn page(request: &HttpRequest, info: &ErrorInfo) -> HttpResponse {
    let seen = request.extensions().get::<SeenViewer>().cloned();
    let title = title(info.status);
    let error = ErrorView {
        title: title.to_owned(),
        text: info.detail.clone(),
        request_id: info.status.is_server_error().then(|| request_id(request)),
        actions: vec![Link::new("Go to the dashboard", "/")],
        again: (info.status == StatusCode::TOO_MANY_REQUESTS).then(|| again(request)).flatten(),
    };
    let rendered = if let Some(SeenViewer(viewer)) = &seen {
        let mut shell = Shell::for_viewer(viewer, title, request.path());
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

fn again(request: &HttpRequest) -> Option<Again> {
    let fields = forms::sent(request)?.into_iter().map(|(name, value)| HiddenField { name, value });
    let url = request.uri().path_and_query()?.to_string();
    Some(Again { url, fields: fields.collect() })
}

impl ErrorView {
    /// For samples: everything that an error can say.
    fn sample() -> Self {
        Self {
            title: HOSTILE.to_owned(),
            text: HOSTILE.to_owned(),
            request_id: Some(HOSTILE.to_owned()),
            actions: vec![Link::new(HOSTILE, "/")],
            again: Some(Again {
                url: "/projects".to_owned(),
                fields: vec![HiddenField { name: "name".to_owned(), value: HOSTILE.to_owned() }],
            }),
        }
    }
}

impl Sample for ErrorPage {
    fn samples() -> Vec<(&'static str, Self)> {
        vec![("hostile", Self { shell: Shell::sample("Something failed"), error: ErrorView::sample() })]
    }
}

impl Sample for PlainErrorPage {
    fn samples() -> Vec<(&'static str, Self)> {
        vec![("hostile", Self { shell: Shell::anonymous("Something failed"), error: ErrorView::sample() })]
    }
}
