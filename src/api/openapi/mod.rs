//! `GET /openapi.json`: the API as `OpenAPI` tells it. What can be taken out of the code is: the fields that requests may have
//! and the words that they may hold. That nothing is missing and every answer is as it says is tested against the program.

mod assistant;
mod schemas;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, Info, OpenApi, OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder, Schema,
};

use crate::error::{AppError, AppResult};
use crate::reports::records::KINDS;
use schemas::{list, name, text, time_text, whole, word_of};

const JSON: &str = "application/json";
const TOKEN: &str = "token";

/// Answers it to anybody: it tells nothing of what is here.
///
/// # Errors
/// None that a request could cause.
pub async fn show() -> AppResult<HttpResponse> {
    static TEXT: LazyLock<Result<String, String>> =
        LazyLock::new(|| document().to_pretty_json().map_err(|error| error.to_string()));
    match &*TEXT {
        Ok(text) => Ok(HttpResponse::Ok().content_type(JSON).body(text.as_str())),
        Err(error) => Err(AppError::Internal(anyhow::anyhow!(error.clone()))),
    }
}

/// The whole document.
#[must_use]
pub fn document() -> OpenApi {
    let mut info = Info::new("Pilothouse", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "What programs report and read. A refusal is `application/problem+json` and says which field of which element \
         is wrong; of a batch that is refused nothing is kept."
            .to_owned(),
    );
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("ph_…").build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas::all())
        .schemas_from_iter(assistant::schemas())
        .security_scheme(TOKEN, SecurityScheme::Http(token))
        .security_scheme(assistant::GUEST, assistant::guest())
        .build();
    OpenApiBuilder::new()
        .info(info)
        .paths(paths())
        .components(Some(components))
        .security(Some([SecurityRequirement::new(TOKEN, Vec::<String>::new())]))
        .build()
}

/// What one address answers.
struct Told {
    summary: &'static str,
    parameters: Vec<Parameter>,
    body: Option<&'static str>,
    answers: Vec<(u16, &'static str, &'static str)>,
    refusals: &'static [u16],
}

const READ: &[u16] = &[400, 401, 403, 404, 429, 503];
const WRITTEN: &[u16] = &[400, 401, 403, 404, 409, 413, 415, 422, 429, 503];

impl Told {
    fn read(summary: &'static str, parameters: Vec<Parameter>, answer: &'static str) -> Self {
        let answers = vec![(200, "What was asked for.", answer)];
        Self { summary, parameters, body: None, answers, refusals: READ }
    }

    fn written(
        summary: &'static str,
        mut parameters: Vec<Parameter>,
        body: &'static str,
        answers: &[(u16, &'static str, &'static str)],
    ) -> Self {
        parameters.push(
            ParameterBuilder::new()
                .name("Idempotency-Key")
                .parameter_in(ParameterIn::Header)
                .description(Some(
                    "The same request again with the same key gets the same answer, and does nothing twice. Kept for 48 hours.",
                ))
                .schema(Some(schemas::patterned("^[!-~]{1,255}$")))
                .build(),
        );
        Self { summary, parameters, body: Some(body), answers: answers.to_vec(), refusals: WRITTEN }
    }

    fn operation(self) -> Operation {
        let mut operation =
            OperationBuilder::new().summary(Some(self.summary)).parameters(Some(self.parameters));
        if let Some(body) = self.body {
            let body = RequestBodyBuilder::new().content(JSON, content(body)).required(Some(Required::True));
            operation = operation.request_body(Some(body.build()));
        }
        for (status, description, schema) in self.answers {
            let mut answer = ResponseBuilder::new().description(description);
            if !schema.is_empty() {
                answer = answer.content(JSON, content(schema));
            }
            operation = operation.response(status.to_string(), answer.build());
        }
        for status in self.refusals {
            let refusal = ResponseBuilder::new()
                .description(reason(*status))
                .content("application/problem+json", content("Problem"));
            operation = operation.response(status.to_string(), refusal.build());
        }
        operation.build()
    }
}

fn content(schema: &str) -> Content {
    Content::new(Some(RefOr::<Schema>::Ref(Ref::from_schema_name(schema))))
}

fn reason(status: u16) -> &'static str {
    match status {
        400 => "A parameter, a header or the JSON itself makes no sense.",
        401 => "No token, or none that is good.",
        403 => "The token lacks the scope.",
        404 => "It does not exist, or not for this caller.",
        409 => "At odds with what is there, or with the same request on its way.",
        413 => "The body is too large.",
        415 => "The body is not sent as JSON.",
        422 => "Fields can't be taken, or the key was used for another request.",
        429 => "Too many requests within a minute.",
        _ => "Something that the console depends on is away; `Retry-After` says when to try again.",
    }
}

fn at(place: ParameterIn, name: &str, schema: impl Into<RefOr<Schema>>, description: &str) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}

fn id(of: &str) -> Parameter {
    at(ParameterIn::Path, "id", text(200), &format!("The {of}'s id."))
}

fn query(name: &str, schema: impl Into<RefOr<Schema>>, description: &str) -> Parameter {
    at(ParameterIn::Query, name, schema, description)
}

fn several(name: &str, schema: impl Into<RefOr<Schema>>, description: &str) -> Parameter {
    query(name, list(schema), description)
}

fn paging() -> Vec<Parameter> {
    vec![
        query("limit", schemas::at_least(1), "Rows of a page, 50 unless told; over 100 is taken as 100."),
        query("cursor", text(2_000), "`next_cursor` of an earlier answer, as it is."),
    ]
}

fn with(mut before: Vec<Parameter>, after: Vec<Parameter>) -> Vec<Parameter> {
    before.extend(after);
    before
}

fn paths() -> Paths {
    let mut paths = Paths::new();
    let mut add = |path: &str, method: HttpMethod, told: Told| {
        paths.add_path_operation(path, vec![method], told.operation());
    };
    let get = HttpMethod::Get;
    let status = || query("status", schemas::words(), "Of this status alone.");
    let named = with(vec![status()], paging());
    add("/api/projects", get.clone(), Told::read("Projects that are not deleted", named.clone(), "Projects"));
    add("/api/projects/{id}", get.clone(), Told::read("One project", vec![id("project")], "Project"));
    add("/api/containers", get.clone(), Told::read("Containers that are not deleted", named, "Containers"));
    add("/api/containers/{id}", get.clone(), Told::read("One container", vec![id("container")], "Container"));
    for verb in ["start", "stop", "restart"] {
        let told = Told {
            summary: "Ask the engine for it",
            parameters: vec![id("container")],
            body: None,
            answers: vec![(202, "The operation, as an event.", "Operation")],
            refusals: &[401, 403, 404, 409, 429, 503],
        };
        add(&format!("/api/containers/{{id}}/{verb}"), HttpMethod::Post, told);
    }
    let day = "RFC 3339, a date, or milliseconds since 1970.";
    let activities = with(
        vec![
            id("project"),
            query("offset", whole(0, 10_000), "Rows to pass over, in place of `cursor`."),
            several("action_type", text(200), "Of these types alone."),
            several("status", text(200), "Of these statuses alone."),
            several("environment", text(200), "Of these environments alone."),
            query("since", time_text(), &format!("The first moment: {day}")),
            query("until", time_text(), &format!("The first moment that is too late: {day}")),
        ],
        paging(),
    );
    let path = "/api/projects/{id}/activities";
    add(path, get.clone(), Told::read("What happened to a project, newest first", activities, "Activities"));
    let kept = &[(201, "Each in its order, new or there already.", "KeptActivities")];
    let report = "Report one activity, or up to 1,000 at once: all of them or none";
    add(path, HttpMethod::Post, Told::written(report, vec![id("project")], "NewActivities", kept));
    let event = &[(201, "The event.", "Event"), (200, "It was there already.", "Event")];
    let begin = "Report an event that begins, or is over";
    let events = "/api/projects/{id}/events";
    add(events, HttpMethod::Post, Told::written(begin, vec![id("project")], "NewEvent", event));
    let changed = &[(200, "The event as it is now.", "Event")];
    let change = "Report how an event goes on, and how it ends";
    add(
        "/api/events/{id}",
        HttpMethod::Patch,
        Told::written(change, vec![id("event")], "EventChange", changed),
    );
    for kind in &KINDS {
        let path = format!("/api/projects/{{id}}/{}", kind.path);
        let listed = with(vec![id("project")], paging());
        add(&path, get.clone(), Told::read(kind.path, listed, name(kind, "List")));
        let row = name(kind, "");
        let rows = [(201, "The record.", row), (200, "The record that was there, as it is now.", row)];
        let told = Told::written(kind.path, vec![id("project")], name(kind, "New"), &rows);
        add(&path, HttpMethod::Post, told);
    }
    let feed = with(
        vec![
            query("projectId", text(200), "Of this project alone."),
            several("eventType", text(200), "Of these types alone."),
            several("status", word_of(&crate::reports::events::STATUSES), "Of these statuses alone."),
            query("from", time_text(), &format!("The first moment: {day}")),
            query("to", time_text(), &format!("The first moment that is too late: {day}")),
        ],
        paging(),
    );
    add(
        "/api/activity/feed",
        get.clone(),
        Told::read("Events of all projects, newest first", feed, "Events"),
    );
    let counted = vec![
        query("projectId", text(200), "Of this project alone."),
        query("days", whole(1, 366), "How far back, 30 days unless told."),
    ];
    let path = "/api/insights/codebase";
    add(
        path,
        get.clone(),
        Told::read("How many events, how they ended and how long they took", counted, "Insights"),
    );
    add("/webhooks/github/{hook}", HttpMethod::Post, delivery());
    for (path, method, told) in assistant::operations() {
        add(path, method, told);
    }
    let mut itself = Told::read("This document", Vec::new(), "Anything");
    itself.refusals = &[];
    paths.add_path_operation("/openapi.json", vec![get], open(itself.operation()));
    assistant::sign(&mut paths);
    paths
}

/// What GitHub sends: signed instead of carrying a token.
fn delivery() -> Told {
    let header = |name: &str, schema: RefOr<Schema>, description: &str| {
        let mut header = at(ParameterIn::Header, name, schema, description);
        header.required = Required::True;
        header
    };
    Told {
        summary: "A delivery of GitHub's, signed with the webhook's secret",
        parameters: vec![
            at(ParameterIn::Path, "hook", text(200), "The webhook's id."),
            header(
                "X-Hub-Signature-256",
                schemas::patterned("^sha256=[0-9a-f]{64}$").into(),
                "The body's HMAC.",
            ),
            header("X-GitHub-Event", schemas::patterned("^[!-~]{1,100}$").into(), "What happened."),
            header("X-GitHub-Delivery", schemas::patterned("^[!-~]{1,100}$").into(), "The delivery's id."),
        ],
        body: Some("Anything"),
        answers: vec![
            (202, "Kept, and worked off in a moment.", "Received"),
            (200, "It was delivered before.", "Received"),
        ],
        refusals: &[400, 401, 404, 413, 429, 503],
    }
}

/// Without a token.
fn open(mut operation: Operation) -> Operation {
    operation.security = Some(Vec::new());
    operation
}
