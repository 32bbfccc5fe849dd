//! Samples of users.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pilothouse::db::cursor::Page;
use pilothouse::db::ids::{SessionId, UserId};
use pilothouse::http::query::Query;
use pilothouse::users::queries::{UserLine, UserView};
use pilothouse::web::projects::index::ProjectRow;
use pilothouse::web::time::Timestamp;
use pilothouse::web::users::activity_badge;
use pilothouse::web::users::fields::{UserFields, UserForm};
use pilothouse::web::users::index::UsersPage;
use pilothouse::web::users::link::LinkPage;
use pilothouse::web::users::new::NewUserPage;
use pilothouse::web::users::show::UserPage;
use pilothouse::web::version::Difference;

use super::containers::container_rows;
use super::frame::{session_rows, shell};
use super::timelines;
use super::{HOSTILE, Sample, endless};

fn user(id: UserId, email: String, name: &str, role: &str, active: bool) -> UserView {
    let now = DateTime::UNIX_EPOCH;
    UserView {
        id,
        email,
        name: Some(name.to_owned()),
        role: role.to_owned(),
        is_active: Some(active),
        created_at: Some(now),
        updated_at: Some(now),
        last_login: active.then_some(now),
    }
}

impl Sample for UsersPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let line = |at: u128, name: &str, role: &str, active: bool| UserLine {
            user: user(UserId(uuid::Uuid::from_u128(at)), format!("user{at}@demo.test"), name, role, active),
            last_seen: None,
            projects: Some(12),
        };
        let lines = vec![
            line(1, "Ada Lovelace", "admin", true),
            line(2, HOSTILE, HOSTILE, false),
            line(3, &endless(200), "owner", true),
            line(4, " ", "owner", true),
        ];
        let page = |pairs: &[(&str, &str)], rows: Vec<UserLine>| {
            let query =
                Query(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect());
            let page = Page { rows, has_previous: true, has_next: true };
            Self::new(shell("Users"), &query, &page, (now, Tz::UTC))
        };
        vec![
            ("empty", page(&[], Vec::new())),
            ("busy", page(&[], lines.clone())),
            ("nothing-matches", page(&[("q", HOSTILE), ("role", HOSTILE), ("status", "active")], Vec::new())),
            ("filtered", page(&[("q", "user"), ("limit", "3")], lines)),
        ]
    }
}

impl Sample for LinkPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str, created: bool| Self {
            shell: shell("Link to set a password"),
            name: name.to_owned(),
            email: name.to_owned(),
            user_url: "/users/1".to_owned(),
            created,
            link: format!("https://console.example.org/passwords/{}", "0f".repeat(32)),
            expires: Timestamp::new(
                DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(1),
                DateTime::UNIX_EPOCH,
                Tz::UTC,
            ),
        };
        vec![
            ("new", page("Ada Lovelace", true)),
            ("hostile", page(HOSTILE, false)),
            ("endless", page(&endless(200), false)),
        ]
    }
}

impl Sample for NewUserPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |form: UserForm| {
            let fields = form.check(None).err().map_or_else(|| form.fields(), |fields| *fields);
            Self::of(shell("New user"), fields)
        };
        let form = |name: &str, role: &str| UserForm {
            email: name.to_owned(),
            name: name.to_owned(),
            role: role.to_owned(),
        };
        vec![
            ("empty", Self::of(shell("New user"), UserForm::default().fields())),
            ("hostile", page(form(HOSTILE, HOSTILE))),
            ("endless", page(form(&endless(300), "admin"))),
        ]
    }
}

impl Sample for UserPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let page = |name: &str, role: &str, active: bool| {
            let id = UserId(uuid::Uuid::from_u128(1));
            let user = user(id, format!("{name}@demo.test"), name, role, active);
            Self { shell: shell(name), ..Self::of(&user, now, Tz::UTC) }
        };
        let project = |name: &str| ProjectRow {
            id: SessionId(uuid::Uuid::nil()).to_string(),
            url: "/projects/1".to_owned(),
            name: name.to_owned(),
            badge: activity_badge(true),
            kind: "Next.js".to_owned(),
            owner: name.to_owned(),
            as_of: None,
            last_activity: None,
            is_old: false,
            changed: None,
        };
        let busy = Self {
            sessions: session_rows(),
            projects: vec![project("shop-api"), project(HOSTILE), project(&endless(200))],
            more_projects: true,
            containers: container_rows(),
            more_containers: true,
            days: timelines::days(),
            self_note: Some("This is you."),
            conflict: vec![Difference { field: "Name", yours: HOSTILE.to_owned(), theirs: endless(200) }],
            link_note: Some(HOSTILE.to_owned()),
            state_blocked: Some("This is the last admin who can sign in.".to_owned()),
            ..page("Ada Lovelace", "admin", true)
        };
        let mut wrong =
            UserForm { email: HOSTILE.to_owned(), name: HOSTILE.to_owned(), role: HOSTILE.to_owned() }
                .check(None)
                .err()
                .map_or_else(UserFields::default, |fields| *fields);
        wrong.errors.push(HOSTILE.to_owned());
        vec![
            ("empty", page("grace", "owner", true)),
            ("busy", busy),
            ("deactivated", page("grace", "owner", false)),
            ("hostile", *page(HOSTILE, HOSTILE, true).with(wrong)),
            ("endless", page(&endless(200), "owner", true)),
        ]
    }
}
