//! Chat of a project: its conversations, one of them, and a message's raw text.

pub mod excerpt;
pub mod index;
pub mod message;
pub mod raw;
pub mod say;
pub mod show;

use actix_web::HttpResponse;
use actix_web::web::Path;

use crate::chat::Role;
use crate::error::AppResult;
use crate::http::authed_request::AuthedRequest;
use crate::http::query::Query;
use crate::projects::queries::ProjectView;
use crate::users::queries::Person;
use crate::web::display::{Badge, Tone, in_short};

/// `GET /projects/{id}/chat`: the conversations; with `session`, one of them; with `message`, the one that
/// holds it; with `q`, the messages that hold a text. A conversation may have an empty name.
///
/// # Errors
/// 404 for a project, conversation or message that the viewer can't see; 400 for a position that makes no sense.
pub async fn show(authed: AuthedRequest, path: Path<String>, query: Query) -> AppResult<HttpResponse> {
    let opens = |name: &str| query.0.iter().any(|(key, _)| key == name);
    if opens("session") || query.first("message").is_some() {
        show::show(authed, path, query).await
    } else {
        index::index(authed, path, query).await
    }
}

/// Who it is that a role speaks as: a container's messages of a user are its owner's.
fn called<'a>(role: &'a Role, person: &'a str) -> &'a str {
    match role {
        Role::User if !person.trim().is_empty() => person,
        _ => role.label(),
    }
}

/// The person whose chat `project`'s is.
fn person(project: &ProjectView) -> String {
    let owner = project.owner.as_ref().map(Person::display_name);
    in_short(owner.unwrap_or_default(), 60)
}

/// Who speaks, people first.
fn speakers(roles: &[String], person: &str) -> String {
    let mut roles: Vec<Role> = roles.iter().map(|role| Role::from_stored(role)).collect();
    roles.sort_by_key(|role| match role {
        Role::User => 0,
        Role::Assistant => 1,
        Role::System => 2,
        Role::Other(_) => 3,
    });
    roles.iter().map(|role| called(role, person)).collect::<Vec<_>>().join(", ")
}

fn badge(role: &Role, person: &str) -> Badge {
    let (icon, tone) = match role {
        Role::User => ("user", Tone::Neutral),
        Role::Assistant => ("autofix", Tone::Busy),
        Role::System => ("settings", Tone::Neutral),
        Role::Other(_) => ("unknown", Tone::Neutral),
    };
    Badge::new(icon, called(role, person), tone)
}
