//! The console's own addresses, in one place. Templates, redirects and tests take them from here.

use actix_web::HttpResponse;
use actix_web::http::header;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use crate::activity::Source;
use crate::db::ids::{ContainerId, MessageId, ProjectId, SessionId, UserId};

/// What stands for itself in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');
/// A reference's value may hold slashes, which stay readable.
const VALUE: &AsciiSet = &SEGMENT.remove(b'/').remove(b'@');

fn segment(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, SEGMENT)
}

/// `base` with what a timeline's rows differ in behind it. Made fifty times a page, so nothing is formatted.
fn below(base: &str, parts: PercentEncode<'_>) -> String {
    let mut address = String::with_capacity(base.len() + 64);
    address.push_str(base);
    address.extend(parts);
    address
}

/// `/projects/{id}`
#[must_use]
pub fn project(id: ProjectId) -> String {
    format!("/projects/{id}")
}

/// `/projects/{id}/{part}`
#[must_use]
pub fn project_part(id: ProjectId, part: &str) -> String {
    format!("/projects/{id}/{part}")
}

/// `/containers/{id}`
#[must_use]
pub fn container(id: ContainerId) -> String {
    format!("/containers/{id}")
}

/// `/containers/{id}/{verb}`
#[must_use]
pub fn container_part(id: ContainerId, part: &str) -> String {
    format!("/containers/{id}/{part}")
}

/// `/users/{id}`
#[must_use]
pub fn user(id: UserId) -> String {
    format!("/users/{id}")
}

/// `/users/{id}/{part}`
#[must_use]
pub fn user_part(id: UserId, part: &str) -> String {
    format!("/users/{id}/{part}")
}

/// `/users/{id}/sessions/{sid}/revoke`
#[must_use]
pub fn revoke_session_of(user: UserId, session: SessionId) -> String {
    format!("/users/{user}/sessions/{session}/revoke")
}

/// `/account/sessions/{id}/revoke`
#[must_use]
pub fn revoke_own_session(session: SessionId) -> String {
    format!("/account/sessions/{session}/revoke")
}

/// `/activity/{action_id}`
#[must_use]
pub fn action(id: &str) -> String {
    below("/activity/", segment(id))
}

/// `/events/{id}`
#[must_use]
pub fn event(id: &str) -> String {
    below("/events/", segment(id))
}

/// `/audit/{id}`
#[must_use]
pub fn audit_entry(id: &str) -> String {
    below("/audit/", segment(id))
}

/// `/activity/{action_id}/raw`, `/events/{id}/raw` or `/audit/{id}/raw`
#[must_use]
pub fn raw_entry(source: Source, id: &str) -> String {
    let mut address = match source {
        Source::Action => action(id),
        Source::Event => event(id),
        Source::Audit => audit_entry(id),
    };
    address.push_str("/raw");
    address
}

/// `/references/{key}/{value}`
#[must_use]
pub fn reference(key: &str, value: &str) -> String {
    let mut address = below("/references/", segment(key));
    address.push('/');
    address.extend(utf8_percent_encode(value, VALUE));
    address
}

/// `/passwords/{token}`: the one-time link that sets a password.
#[must_use]
pub fn password_link(token: &str) -> String {
    format!("/passwords/{}", segment(token))
}

/// `{path}/export`: where what the list at `path` shows is asked for as a file.
#[must_use]
pub fn export_of(path: &str) -> String {
    format!("{path}/export")
}

/// The place of a message in its conversation, below `chat`: a project's chat.
#[must_use]
pub fn message(chat: &str, id: MessageId) -> String {
    format!("{chat}?message={id}#m-{id}")
}

/// `/projects/{id}/chat/{message}/raw`
#[must_use]
pub fn raw_message(project: ProjectId, id: MessageId) -> String {
    format!("/projects/{project}/chat/{id}/raw")
}

/// `path` with `pairs` as its query; `path` alone when there are none.
#[must_use]
pub fn with_query<K: AsRef<str>, V: AsRef<str>>(path: &str, pairs: &[(K, V)]) -> String {
    if pairs.is_empty() {
        return path.to_owned();
    }
    let mut address = String::with_capacity(path.len() + 64);
    address.push_str(path);
    address.push('?');
    let start = address.len();
    url::form_urlencoded::Serializer::for_suffix(address, start)
        .extend_pairs(pairs.iter().map(|(key, value)| (key.as_ref(), value.as_ref())))
        .finish()
}

/// 303 to `location`.
#[must_use]
pub fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// `text` when it is an address that a link may safely lead to: http, https or mailto.
#[must_use]
pub fn external(text: &str) -> Option<String> {
    // No browser follows longer ones everywhere, and they are shown too.
    const LONGEST: usize = 2_000;
    let url = url::Url::parse(Some(text.trim()).filter(|text| text.len() <= LONGEST)?).ok()?;
    matches!(url.scheme(), "http" | "https" | "mailto").then(|| url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_values_survive_the_way_through_an_address() {
        assert_eq!(
            reference("branch_name", "feature/a b?c#d%"),
            "/references/branch_name/feature/a%20b%3Fc%23d%25"
        );
        assert_eq!(action("a/b"), "/activity/a%2Fb");
    }

    #[test]
    fn only_web_and_mail_addresses_become_links() {
        assert!(external("https://shop.example").is_some());
        for bad in ["javascript:alert(1)", "data:text/html,x", "//evil", "ftp://x", "shop.example"] {
            assert!(external(bad).is_none(), "{bad}");
        }
    }
}
