//! Whatever a text is, no parser of ours panics on it; and what one of ours wrote, it reads back.

use actix_web::cookie::Cookie;
use actix_web::test::TestRequest;
use chrono_tz::Tz;
use percent_encoding::percent_decode_str;
use pilothouse::activity::{ActionType, EventType, Filter, Source, TimelineCursor};
use pilothouse::audit::AuditAction;
use pilothouse::auth::password;
use pilothouse::config::Config;
use pilothouse::db::SecretHash;
use pilothouse::db::cursor::ListPosition;
use pilothouse::db::ids::ProjectId;
use pilothouse::http::{cookies, forms, query};
use pilothouse::identity::{Email, Role, Theme, is_deceptive};
use pilothouse::projects::{JsonText, Kind, ProjectDescription, ProjectName};
use pilothouse::users::UserName;
use pilothouse::web::sessions::safe_next;
use pilothouse::web::{flash, session_rows, urls};
use proptest::prelude::*;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::support::console::Console;

/// Any text, and more of what means something to some parser than chance would make.
fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "%",
        "%2",
        "%00",
        "%ff",
        "%zz",
        "%2F",
        "=",
        "&",
        "+",
        ";",
        ":",
        ".",
        "..",
        "/",
        "//",
        "\\",
        "-",
        "~",
        "~41",
        "?",
        "#",
        "@",
        "[]",
        "{\"a\":",
        "}",
        "\"",
        "\\u0000",
        "\\ud800",
        "1e999",
        "0",
        "-0",
        "9223372036854775808",
        "1.a.x",
        "\0",
        "\n",
        "\r",
        "\t",
        "\u{202e}",
        "\u{200b}",
        "\u{feff}",
        "é",
        "e\u{301}",
        "İ",
        "🚢",
        "http://",
        "javascript:",
        "Mozilla/5.0 (",
        "Firefox/",
        "2026-11-20",
        "00000000-0000-4000-8000-000000000000",
    ]);
    prop_oneof![
        any::<String>(),
        prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat()),
        prop::collection::vec(any::<char>(), 0..400)
            .prop_map(|characters| characters.into_iter().collect::<String>()),
    ]
}

fn names() -> impl Strategy<Value = String> {
    let known =
        ["type", "status", "environment", "actor", "source", "from", "to", "ref", "limit", "before", "after"];
    prop_oneof![prop::sample::select(known.to_vec()).prop_map(str::to_owned), texts()]
}

#[derive(Debug, serde::Deserialize)]
struct AnyForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: Option<String>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cursor_is_read_as_it_was_written_or_not_at_all(text in texts(), ms in any::<i64>(), id in texts(), source in 0..3_usize) {
        if let Ok(cursor) = text.parse::<TimelineCursor>() {
            prop_assert_eq!(cursor.to_string(), text.clone());
        }
        if let Ok(position) = text.parse::<ListPosition>() {
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }
        let cursor = TimelineCursor { ms, source: Source::ALL[source], id };
        if !cursor.id.is_empty() && !cursor.id.contains('\0') && cursor.to_string().len() < 2_000 {
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        let position = ListPosition { key: text.chars().filter(|c| *c != '\0').take(300).collect(), id: uuid::Uuid::from_u128(ms.unsigned_abs().into()) };
        prop_assert_eq!(position.to_string().parse(), Ok(position));
    }

    #[test]
    fn a_filter_survives_its_own_address(pairs in prop::collection::vec((names(), texts()), 0..8), at in 0..600_usize) {
        let zone = chrono_tz::TZ_VARIANTS[at % chrono_tz::TZ_VARIANTS.len()];
        let borrowed = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if let Ok(mut filter) = Filter::parse(borrowed, zone) {
            let _ = (filter.from_ms(), filter.until_ms(), filter.is_filtered());
            // A page's address holds its filters; its place is written by the links.
            filter.position = None;
            let written = filter.pairs();
            let again = Filter::parse(written.iter().map(|(name, value)| (*name, value.as_str())), zone);
            prop_assert_eq!(again, Ok(filter));
        }
    }

    #[test]
    fn a_form_is_read_as_it_was_written_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), text in texts(), pairs in prop::collection::vec((texts(), texts()), 0..6)) {
        let _ = forms::pairs(&bytes);
        let _ = forms::decode::<AnyForm>(&bytes).map(|form| (form.name, form.email));
        let _ = forms::decode::<AnyForm>(text.as_bytes());
        let _ = query::parse(&text);
        let written = Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let has_nul = pairs.iter().any(|(key, value)| key.contains('\0') || value.contains('\0'));
        match forms::pairs(written.as_bytes()) {
            // A pair of two empty texts is written as a lone sign of equality.
            Ok(read) => prop_assert_eq!(read, pairs),
            Err(_) => prop_assert!(has_nul, "{}", written),
        }
    }

    #[test]
    fn an_address_that_we_write_stays_on_this_console_and_holds_what_it_was_given(key in texts(), value in texts(), id in texts()) {
        let base = Url::parse("https://console.example/").unwrap();
        for (path, parts) in [(urls::reference(&key, &value), vec![&key, &value]), (urls::action(&id), vec![&id]), (urls::password_link(&id), vec![&id])] {
            let address = base.join(&path).unwrap();
            prop_assert_eq!(address.origin(), base.origin());
            prop_assert!(path.is_ascii() && !path.contains(['"', '<', '>', ' ', '\n']));
            // "." and ".." are no part of an address, however they are written.
            if parts.iter().any(|part| part.is_empty() || part.split('/').any(|step| [".", ".."].contains(&step))) {
                continue;
            }
            let decoded = match path.split_once('?') {
                None => percent_decode_str(&path).decode_utf8().unwrap().into_owned(),
                Some((_, query)) => match forms::pairs(query.as_bytes()) {
                    Ok(pairs) => pairs.into_iter().map(|(_, value)| value + "\n").collect(),
                    // PostgreSQL takes no NUL, so no form does.
                    Err(_) => continue,
                },
            };
            prop_assert!(parts.iter().all(|part| decoded.contains(part.as_str())), "{}", path);
        }
        let written = urls::with_query("/projects", &[(&key, &value)]);
        let (_, query) = written.split_once('?').unwrap();
        match forms::pairs(query.as_bytes()) {
            Ok(read) => prop_assert_eq!(read, vec![(key, value)]),
            Err(_) => prop_assert!(key.contains('\0') || value.contains('\0')),
        }
    }

    #[test]
    fn no_redirect_leads_away_from_this_console(next in texts(), tail in texts()) {
        let base = Url::parse("https://console.example/").unwrap();
        for next in [next.clone(), format!("/{next}"), format!("/{tail}?{next}"), format!("//{next}"), format!("/\\{next}"), format!("/\t/{next}")] {
            let followed = safe_next(&next);
            prop_assert!(followed.starts_with('/'));
            let Ok(address) = base.join(followed) else { continue };
            prop_assert_eq!(address.origin(), base.origin(), "{}", next);
            prop_assert!(actix_web::http::header::HeaderValue::from_str(followed).is_ok());
        }
        if let Some(link) = urls::external(&next) {
            let link = Url::parse(&link).unwrap();
            prop_assert!(matches!(link.scheme(), "http" | "https" | "mailto"), "{}", link);
        }
    }

    #[test]
    fn a_name_that_is_taken_deceives_nobody(text in texts()) {
        if let Ok(name) = ProjectName::parse(&text, None) {
            let name = name.as_str();
            prop_assert!(!name.is_empty() && name.chars().count() <= 100 && !name.chars().any(is_deceptive));
        }
        if let Ok(email) = Email::parse(&text) {
            prop_assert!(email.as_str().contains('@') && !email.as_str().chars().any(is_deceptive));
        }
        let _ = (UserName::parse(&text), ProjectDescription::parse(&text, None), Kind::parse(&text, None));
        let _ = (Role::parse(&text), Role::from_stored(&text), Theme::parse(&text), Theme::from_stored(&text));
        let _ = text.parse::<ProjectId>();
        let _ = text.parse::<Tz>();
        if let Ok(json) = JsonText::parse(&text) {
            prop_assert!(json.value().is_object());
        }
    }

    #[test]
    fn a_stored_word_is_shown_whatever_it_is(text in texts()) {
        prop_assert_eq!(ActionType::from_stored(&text).as_str().to_owned(), text.clone());
        prop_assert_eq!(EventType::from_stored(&text).as_str().to_owned(), text.clone());
        prop_assert_eq!(AuditAction::from_stored(&text).as_str().to_owned(), text.clone());
        let _ = (ActionType::from_stored(&text).label(), EventType::from_stored(&text).label(), AuditAction::from_stored(&text).label());
        let device = session_rows::device(&text);
        prop_assert!(!device.is_empty() && device.chars().count() <= 60);
        prop_assert_eq!(SecretHash::of(&text).as_str().len(), 64);
    }

    #[test]
    fn a_configuration_is_read_or_refused_by_name(values in prop::collection::vec((prop::sample::select(pilothouse::config::VARIABLES.to_vec()), texts()), 0..5)) {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if let Err(problems) = Config::from_values(values) {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|problem| pilothouse::config::VARIABLES.contains(&problem.variable)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_password_is_judged_whatever_it_is(text in texts()) {
        let judged = password::problem(&text);
        prop_assert!(judged.is_none() || !text.is_empty() || judged.is_some());
        if judged.is_none() {
            prop_assert!((password::SHORTEST..=password::LONGEST).contains(&text.chars().count()));
        }
    }
}

#[test]
fn a_message_for_the_next_page_is_ours_or_none() {
    let console = Console::start();
    let name = cookies::flash_name(&console.app.config);
    let waiting = |value: String| {
        let request = TestRequest::default().cookie(Cookie::new(name.as_str(), value)).to_http_request();
        flash::waiting(&console.app, &request)
    };
    let mut response = actix_web::HttpResponse::Ok().finish();
    flash::leave(&console.app, &mut response, &flash::Flash::good("Saved."));
    let left = response.cookies().next().unwrap().value().to_owned();
    assert_eq!(waiting(left.clone()).unwrap().text, "Saved.");

    let runner = &mut proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let texts = (texts(), 0..left.len(), 1..255_u8);
    runner
        .run(&texts, |(text, at, flip)| {
            prop_assert!(waiting(text).is_none());
            let mut bent = left.clone().into_bytes();
            bent[at] = bent[at].wrapping_add(flip);
            if let Ok(bent) = String::from_utf8(bent) {
                prop_assert!(waiting(bent).is_none());
            }
            prop_assert!(waiting(left[..at].to_owned()).is_none());
            Ok(())
        })
        .unwrap();
}
