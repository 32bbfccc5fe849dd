//! Samples of containers.

use chrono::DateTime;
use chrono_tz::Tz;
use pilothouse::db::cursor::Page;
use pilothouse::db::ids::ProjectId;
use pilothouse::http::query::Query;
use pilothouse::web::containers::head::{ContainerHead, VerbButton};
use pilothouse::web::containers::index::{ContainerRow, ContainersPage};
use pilothouse::web::containers::logs::LogsPage;
use pilothouse::web::containers::show::{ContainerPage, Panel, ProjectLinks};
use pilothouse::web::display::{Fact, Link, Meta, Tab};
use pilothouse::web::state;

use super::frame::shell;
use super::{HOSTILE, Sample, endless, timestamp};

pub fn container_head(name: &str) -> ContainerHead {
    ContainerHead {
        name: name.to_owned(),
        url: "/containers/x".to_owned(),
        badge: state::badge(name),
        state: name.to_owned(),
        under_way: Some(Link::new(name, "/events/x")),
        source: "observed",
        as_of: Some(timestamp()),
        meta: vec![Meta::link(name, "/projects/x"), Meta::text(name)],
        disagreement: Some(name.to_owned()),
        verbs: vec![VerbButton {
            label: "Stop",
            url: "/".to_owned(),
            icon: "stopped",
            available: false,
            acts: true,
        }],
        unavailable_reason: name.to_owned(),
        tabs: vec![Tab { label: "Overview", url: "/".to_owned(), current: true }],
    }
}

pub fn container_rows() -> Vec<ContainerRow> {
    ["shop-api", HOSTILE, &endless(200)]
        .map(|name| ContainerRow {
            id: "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c".to_owned(),
            url: "/containers/x".to_owned(),
            name: name.to_owned(),
            image: name.to_owned(),
            ports: "4021".to_owned(),
            badge: state::badge(name),
            state: name.to_owned(),
            source: "reported",
            observed: Some(timestamp()),
            project: Some(Link::new(name, "/projects/x")),
            owner: name.to_owned(),
        })
        .to_vec()
}

impl Sample for ContainersPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |query: Query, containers: Vec<ContainerRow>| {
            let none = Page { rows: Vec::new(), has_previous: false, has_next: false };
            let shell = shell("Containers");
            Self { containers, ..Self::new(shell, &query, &none, (DateTime::UNIX_EPOCH, Tz::UTC)) }
        };
        let hostile = Query(vec![("q".to_owned(), HOSTILE.to_owned())]);
        vec![
            ("nothing yet", page(Query::default(), Vec::new())),
            ("nothing matches", page(hostile.clone(), Vec::new())),
            ("hostile", page(hostile, container_rows())),
        ]
    }
}

impl Sample for LogsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str, command: Option<String>| Self {
            shell: shell("Logs"),
            container: container_head(name),
            reason: HOSTILE.to_owned(),
            command,
        };
        vec![
            ("plain", page("shop-web", Some("docker logs x".to_owned()))),
            ("hostile", page(HOSTILE, None)),
            ("endless", page(&endless(200), Some(endless(200)))),
        ]
    }
}

impl Sample for ContainerPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str| Self {
            shell: shell("Container"),
            container: container_head(name),
            reported: Panel {
                as_of: Some(timestamp()),
                facts: vec![Fact::mono(name, name), Fact::link("Address", name, "https://shop.example")],
            },
            observed: Panel { as_of: None, facts: Vec::new() },
            facts: vec![Fact::mono(name, name)],
            labels: vec![Fact::mono(name, name)],
            metadata: Some(name.to_owned()),
            projects: vec![ProjectLinks::new(ProjectId(uuid::Uuid::nil()), name)],
            days: Vec::new(),
            activity_url: "/references/container_id/x".to_owned(),
        };
        vec![("plain", page("shop-api")), ("hostile", page(HOSTILE)), ("endless", page(&endless(200)))]
    }
}
