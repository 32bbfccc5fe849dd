//! The console's own addresses, in one place. Templates, redirects and tests take them from here.

use actix_web::HttpResponse;
use actix_web::http::header;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

use crate::activity::Source;
use crate::db::ids::{ContainerId, MessageId, ProjectId, SessionId, TokenId, UserId};

/// What stands for itself in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');
/// A reference's value may hold slashes, which stay readable.
const VALUE: &AsciiSet = &SEGMENT.remove(b'/').remove(b'@');

fn segment(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, SEGMENT)
}

/// Bytes of a segment at most: servers that look for a file by its name give up on longer ones.
const LONGEST_SEGMENT: usize = 255;

/// Whether `text` arrives as it is when it stands between two slashes of a path. Browsers and proxies drop dots and
/// doubled slashes, turn backslashes around, decode what is escaped and cut at semicolons; texts that somebody
/// might touch stand in a query, which everybody leaves alone.
fn survives(text: &str) -> bool {
    let is_left_alone = |c: char| c.is_alphanumeric() || "-._~:@ !$&'()*+,=".contains(c);
    text.len() <= LONGEST_SEGMENT
        && !text.trim_matches('.').is_empty()
        && text.trim() == text
        && text.chars().all(is_left_alone)
}

/// `base` with what a timeline's rows differ in behind it. Made fifty times a page, so nothing is formatted.
fn below(base: &str, parts: PercentEncode<'_>) -> String {
    let mut address = String::with_capacity(base.len() + 64);
    address.push_str(base);
    address.extend(parts);
    address
}

#[must_use]
pub fn project(id: ProjectId) -> String {
    format!("/projects/{id}")
}

#[must_use]
pub fn project_part(id: ProjectId, part: &str) -> String {
    format!("/projects/{id}/{part}")
}

#[must_use]
pub fn container(id: ContainerId) -> String {
    format!("/containers/{id}")
}

#[must_use]
pub fn container_part(id: ContainerId, part: &str) -> String {
    format!("/containers/{id}/{part}")
}

#[must_use]
pub fn user(id: UserId) -> String {
    format!("/users/{id}")
}

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

/// The viewer's tokens.
pub const OWN_TOKENS: &str = "/account/tokens";

/// `/account/tokens/{id}/revoke`
#[must_use]
pub fn revoke_token(token: TokenId) -> String {
    format!("{OWN_TOKENS}/{token}/revoke")
}

/// What stands where an entry's id does, so that no id may.
const RESERVED: [&str; 1] = ["export"];

/// `/activity/{action_id}`, or `/entries?id=`
#[must_use]
pub fn action(id: &str) -> String {
    // Bare, an id is an action's; one that begins like another kind's says that it is not.
    let names_a_kind = || Source::ALL.iter().any(|kind| id.split(':').next() == Some(kind.as_str()));
    let word = || if names_a_kind() { format!("action:{id}") } else { id.to_owned() };
    entry("/activity/", id, word)
}

/// `/events/{id}`, or `/entries?id=`
#[must_use]
pub fn event(id: &str) -> String {
    entry("/events/", id, || format!("event:{id}"))
}

/// `/engine/events/{id}`
#[must_use]
pub fn observation(id: &str) -> String {
    entry("/engine/events/", id, || format!("engine:{id}"))
}

/// `/audit/{id}`, or `/entries?id=`
#[must_use]
pub fn audit_entry(id: &str) -> String {
    entry("/audit/", id, || format!("audit:{id}"))
}

/// `/activity/{action_id}/raw`, `/events/{id}/raw`, `/engine/events/{id}/raw` or `/audit/{id}/raw`, or `/entries/raw?id=`
#[must_use]
pub fn raw_entry(source: Source, id: &str) -> String {
    let address = match source {
        Source::Action => action(id),
        Source::Event => event(id),
        Source::Audit => audit_entry(id),
        Source::Engine => observation(id),
    };
    match address.strip_prefix("/entries?") {
        Some(query) => format!("/entries/raw?{query}"),
        None => address + "/raw",
    }
}

/// `/threads/{source}:{id}`, or `/threads?id=`
#[must_use]
pub fn thread(source: Source, id: &str) -> String {
    let key = format!("{}:{id}", source.as_str());
    entry("/threads/", &key, || key.clone())
}

/// The entry's address below `base`, or the one that takes any id: by the word that names it in a timeline.
fn entry(base: &str, id: &str, word: impl FnOnce() -> String) -> String {
    if survives(id) && !RESERVED.contains(&id) {
        below(base, segment(id))
    } else {
        below("/entries?id=", segment(&word()))
    }
}

#[must_use]
pub fn reference(key: &str, value: &str) -> String {
    if !survives(key) || !value.split('/').all(survives) {
        return format!("/references?key={}&value={}", segment(key), segment(value));
    }
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

/// `path` with `pairs` as its query, or behind the query that it has; `path` alone when there are none.
#[must_use]
pub fn with_query<K: AsRef<str>, V: AsRef<str>>(path: &str, pairs: &[(K, V)]) -> String {
    if pairs.is_empty() {
        return path.to_owned();
    }
    let mut address = String::with_capacity(path.len() + 64);
    address.push_str(path);
    address.push(if path.contains('?') { '&' } else { '?' });
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

    /// What a browser and a proxy that normalises make of a path; and what the console reads in it.
    fn arrives(address: &str) -> String {
        let url = url::Url::parse("http://console.test").unwrap().join(address).unwrap();
        let decoded = percent_encoding::percent_decode_str(url.path()).decode_utf8().unwrap().into_owned();
        let normalised = url::Url::parse("http://proxy.test").unwrap();
        let mut normalised = normalised.join(&segment(&decoded).to_string().replace("%2F", "/")).unwrap();
        while normalised.path().contains("//") {
            normalised.set_path(&normalised.path().replace("//", "/"));
        }
        let path =
            percent_encoding::percent_decode_str(normalised.path()).decode_utf8().unwrap().into_owned();
        let value = url.query_pairs().find(|(name, _)| name == "id" || name == "value");
        value.map_or(path, |(_, value)| value.into_owned())
    }

    #[test]
    fn any_text_arrives_as_it_was_written() {
        let long = "x".repeat(8_000);
        for text in [
            "act_1",
            "café",
            "v1.2",
            "a b",
            "user@host",
            "1:2",
            "..",
            ".",
            "...",
            "./src/app.ts",
            "a//b",
            "a/../b",
            "/a",
            "a/",
            "a/./b",
            "%2e%2e",
            "%2F",
            "a\\b",
            "\\",
            "",
            " a",
            "a ",
            "a\tb",
            "a\nb",
            "?",
            "#",
            "a?b#c",
            "a;b",
            "export",
            "\u{a0}",
            "e\u{301}",
            &long,
        ] {
            for address in [action(text), event(text), audit_entry(text), reference("branch_name", text)] {
                let arrived = arrives(&address);
                let arrived =
                    arrived.strip_prefix("event:").or(arrived.strip_prefix("audit:")).unwrap_or(&arrived);
                let in_path = ["/activity/", "/events/", "/audit/", "/references/branch_name/"];
                let arrived = in_path.iter().find_map(|base| arrived.strip_prefix(base)).unwrap_or(arrived);
                assert_eq!(arrived, text, "{address}");
            }
            let odd_key = reference(text, "x");
            assert!(
                text.is_empty() || odd_key.contains(&segment(text).to_string()) || odd_key.contains("?key=")
            );
        }
    }

    #[test]
    fn what_a_path_carries_stands_in_the_path() {
        assert_eq!(action("act_1"), "/activity/act_1");
        assert_eq!(reference("branch_name", "feature/a b"), "/references/branch_name/feature/a%20b");
        assert_eq!(reference("file", "./src/app.ts"), "/references?key=file&value=.%2Fsrc%2Fapp.ts");
        assert_eq!(action(".."), "/entries?id=..");
        assert_eq!(event("a/b"), "/entries?id=event:a%2Fb");
        assert_eq!(action("event:a/b"), "/entries?id=action:event:a%2Fb", "not the event's");
        assert_eq!(action("event:5"), "/activity/event:5");
        let more = with_query(&reference("file", ".."), &[("limit", "5")]);
        assert_eq!(more, "/references?key=file&value=..&limit=5");
    }

    #[test]
    fn only_web_and_mail_addresses_become_links() {
        assert!(external("https://shop.example").is_some());
        for bad in ["javascript:alert(1)", "data:text/html,x", "//evil", "ftp://x", "shop.example"] {
            assert!(external(bad).is_none(), "{bad}");
        }
    }
}
