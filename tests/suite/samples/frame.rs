//! Samples of what all pages share.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pilothouse::auth::sessions::SessionLine;
use pilothouse::db::ids::SessionId;
use pilothouse::http::forms::Field;
use pilothouse::web::confirmation::{AskedText, ConfirmName, ConfirmationPage, Effect, Offer};
use pilothouse::web::display::{HiddenField, Link};
use pilothouse::web::error_page::{Again, ErrorView, Secret};
use pilothouse::web::error_page::{ErrorPage, PlainErrorPage};
use pilothouse::web::flash::Flash;
use pilothouse::web::session_rows::SessionRow;
use pilothouse::web::shell::{Crumb, NavItem, Shell};

use super::{HOSTILE, Sample};

impl Sample for ConfirmationPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |blocked: Option<String>, danger: bool| Self {
            shell: shell("Delete project"),
            title: format!("Delete {HOSTILE}"),
            text: HOSTILE.to_owned(),
            effects: vec![Effect { count: "14".to_owned(), text: HOSTILE.to_owned() }],
            errors: vec![HOSTILE.to_owned()],
            action: "/projects/x/delete".to_owned(),
            fields: vec![HiddenField { name: "id".to_owned(), value: HOSTILE.to_owned() }],
            confirm: danger.then(|| ConfirmName {
                name: HOSTILE.to_owned(),
                label: "Type the name to confirm".to_owned(),
                errors: vec![HOSTILE.to_owned()],
            }),
            asked: (!danger).then(|| AskedText {
                label: "New name",
                name: "name",
                field: Field { errors: vec![HOSTILE.to_owned()], ..Field::of(HOSTILE) },
                hint: HOSTILE.to_owned(),
            }),
            offer: Some(Offer {
                name: "stop_container",
                label: HOSTILE.to_owned(),
                note: HOSTILE.to_owned(),
            }),
            verb: "Delete project",
            danger,
            blocked,
            cancel_url: "/projects".to_owned(),
        };
        vec![
            ("dangerous", page(None, true)),
            ("asking", page(None, false)),
            ("blocked", page(Some(HOSTILE.to_owned()), false)),
        ]
    }
}

impl Sample for ErrorPage {
    fn samples() -> Vec<(&'static str, Self)> {
        vec![("hostile", Self { shell: shell("Something failed"), error: error_view() })]
    }
}
impl Sample for PlainErrorPage {
    fn samples() -> Vec<(&'static str, Self)> {
        vec![("hostile", Self { shell: Shell::anonymous("Something failed"), error: error_view() })]
    }
}

/// This one, an old phone, and one with hostile words.
pub fn session_rows() -> Vec<SessionRow> {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let row = |at: u128, user_agent: &str, current: bool| {
        let line = SessionLine {
            id: SessionId(uuid::Uuid::from_u128(at)),
            created_at: Some(now - TimeDelta::days(3)),
            last_activity: Some(now - TimeDelta::minutes(4)),
            expires_at: now + TimeDelta::days(11),
            ip_address: "2001:db8::17".parse().ok(),
            user_agent: Some(user_agent.to_owned()),
        };
        let holder = if current { line.id } else { SessionId(uuid::Uuid::nil()) };
        SessionRow::new(&line, holder, format!("/account/sessions/{}/revoke", line.id), now, Tz::UTC)
    };
    vec![
        row(1, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", true),
        row(
            2,
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1",
            false,
        ),
        row(3, HOSTILE, false),
    ]
}

/// The frame of a sample page: an admin whose name would run if it were not escaped.
pub fn shell(title: &str) -> Shell {
    let nav = ["main", "admin"].map(|section| NavItem {
        label: "Projects",
        url: "/projects",
        icon: "projects",
        current: section == "main",
        section,
    });
    Shell {
        nav: nav.to_vec(),
        breadcrumbs: vec![Crumb::link("Projects", "/projects"), Crumb::here(HOSTILE)],
        flash: Some(Flash::good(HOSTILE).with_undo(Some("/projects/x/restore".to_owned()))),
        viewer_name: HOSTILE.to_owned(),
        viewer_email: "admin@demo.test".to_owned(),
        viewer_initial: "A".to_owned(),
        is_admin: true,
        nonce: "0123456789abcdef".to_owned(),
        search_query: HOSTILE.to_owned(),
        shortcuts: true,
        ..Shell::anonymous(title)
    }
}

/// Everything that an error can say.
fn error_view() -> ErrorView {
    ErrorView {
        title: HOSTILE.to_owned(),
        text: HOSTILE.to_owned(),
        request_id: Some(HOSTILE.to_owned()),
        actions: vec![Link::new(HOSTILE, "/")],
        again: Some(Again {
            url: "/projects".to_owned(),
            fields: vec![HiddenField { name: "name".to_owned(), value: HOSTILE.to_owned() }],
            typed: vec![(HOSTILE.to_owned(), HOSTILE.to_owned())],
            secrets: vec![Secret { name: "password".to_owned(), label: HOSTILE.to_owned() }],
            verb: "Try again",
        }),
    }
}
