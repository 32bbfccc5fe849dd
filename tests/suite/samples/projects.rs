//! Samples of projects.

use chrono::DateTime;
use chrono_tz::Tz;
use pilothouse::db::cursor::Page;
use pilothouse::http::forms::Field;
use pilothouse::http::query::Query;
use pilothouse::web::display::{ButtonLink, Choice, Fact, Link, Meta, Tab};
use pilothouse::web::projects::activity::ProjectActivityPage;
use pilothouse::web::projects::deployed::{DeployedRow, Release};
use pilothouse::web::projects::head::ProjectHead;
use pilothouse::web::projects::heat_map::HeatMap;
use pilothouse::web::projects::index::{GoneRow, ProjectRow, ProjectsPage};
use pilothouse::web::projects::making::MakingFields;
use pilothouse::web::projects::new::{NewProjectPage, ProjectFields};
use pilothouse::web::projects::settings::{JsonField, SettingsPage};
use pilothouse::web::projects::show::{ContainerCard, CostRow, ProjectPage};
use pilothouse::web::version::Difference;
use pilothouse::web::{state, version};

use super::frame::shell;
use super::timelines;
use super::{HOSTILE, Sample, endless, timestamp};

impl Sample for ProjectActivityPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |view| Self { shell: shell("Activity"), project: project_head(HOSTILE), view };
        timelines::views().into_iter().map(|(name, view)| (name, page(view))).collect()
    }
}

pub fn project_head(name: &str) -> ProjectHead {
    ProjectHead {
        id: "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c".to_owned(),
        name: name.to_owned(),
        url: "/projects/6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c".to_owned(),
        badge: state::badge(HOSTILE),
        as_of: Some(timestamp()),
        meta: vec![Meta::text(HOSTILE), Meta::link(HOSTILE, "https://shop.example")],
        tabs: vec![Tab { label: "Overview", url: "/".to_owned(), current: true }],
        notice: Some(HOSTILE.to_owned()),
        remedy: Some(ButtonLink {
            label: "Restore".to_owned(),
            url: "/restore".to_owned(),
            icon: "restored",
        }),
    }
}

pub fn heat_map(counts: &[i64]) -> HeatMap {
    let span = HeatMap::span(DateTime::UNIX_EPOCH, Tz::UTC);
    let mut daily = span.without_entries(Some(DateTime::UNIX_EPOCH));
    for (day, count) in daily.days.iter_mut().zip(counts) {
        (day.entries, day.failed) = (*count, *count / 2);
    }
    HeatMap {
        zone: HOSTILE.to_owned(),
        ..HeatMap::new(&daily, "/projects/x/activity", DateTime::UNIX_EPOCH, Tz::UTC)
    }
}

impl Sample for ProjectsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |query: Query, projects: Vec<ProjectRow>| {
            let none = Page { rows: Vec::new(), has_previous: false, has_next: false };
            let shell = shell("Projects");
            let now = (DateTime::UNIX_EPOCH, Tz::UTC);
            Self { projects, ..Self::new(shell, &query, &none, &[HOSTILE.to_owned()], now) }
        };
        let gone = GoneRow { url: "/projects/x".to_owned(), name: HOSTILE.to_owned(), removed: timestamp() };
        let hostile = Query(vec![("q".to_owned(), HOSTILE.to_owned())]);
        vec![
            ("nothing yet", page(Query::default(), Vec::new())),
            ("nothing matches", page(hostile.clone(), Vec::new())),
            ("hostile", page(hostile.clone(), project_rows())),
            (
                "only archived ones",
                Self {
                    others_url: Some("/projects?status=any".to_owned()),
                    ..page(Query::default(), Vec::new())
                },
            ),
            ("gone", Self { gone: vec![gone], ..page(hostile, Vec::new()) }),
        ]
    }
}
/// Rows for samples: plain, hostile, endless.
pub fn project_rows() -> Vec<ProjectRow> {
    ["shop-api", HOSTILE, &endless(200)]
        .map(|name| ProjectRow {
            id: "6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c".to_owned(),
            url: "/projects/6f1c1f0e-3c6f-4b7e-9d5a-0d8a7f0a1b2c".to_owned(),
            name: name.to_owned(),
            owner: name.to_owned(),
            kind: name.to_owned(),
            badge: state::badge(name),
            as_of: Some(timestamp()),
            last_activity: Some(timestamp()),
            is_old: true,
            changed: None,
        })
        .to_vec()
}

impl Sample for NewProjectPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let mut refused = ProjectFields::typed(HOSTILE, HOSTILE, HOSTILE, Some(HOSTILE));
        refused.name.refuse(HOSTILE);
        refused.kind_errors.push("Choose one of the types.".to_owned());
        let page = |fields: ProjectFields, errors: Vec<String>| Self {
            shell: shell("New project"),
            errors: errors.clone(),
            fields,
            containers: vec![Choice::new("new", HOSTILE, "new")],
            container_errors: errors.clone(),
            making: MakingFields {
                image: Some(Field { errors: errors.clone(), ..Field::of(HOSTILE) }),
                image_hint: HOSTILE.to_owned(),
                volume: Field::of(HOSTILE),
                restart: vec![Choice::new("never", "Never", "never")],
                restart_errors: errors.clone(),
                variables_errors: errors,
            },
        };
        vec![
            ("empty", page(ProjectFields::typed("", "", "nextjs", None), Vec::new())),
            ("refused", page(refused, vec![HOSTILE.to_owned()])),
        ]
    }
}

impl Sample for SettingsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let mut broken = JsonField::of(format!("{{\"a\": {HOSTILE}"));
        let _ = broken.parse_unless(None);
        let page = |archived: bool, conflict: Vec<Difference>| Self {
            shell: shell("Settings"),
            project: project_head(HOSTILE),
            errors: conflict.iter().map(|_| HOSTILE.to_owned()).collect(),
            updated_at: version::text(Some(DateTime::UNIX_EPOCH)),
            fields: ProjectFields::typed(HOSTILE, HOSTILE, "nextjs", None),
            settings: broken.clone(),
            metadata: JsonField { too_large: archived.then(|| "5.0 MB".to_owned()), ..JsonField::default() },
            conflict,
            archived,
            archive_url: "/archive".to_owned(),
            locked: archived,
            lock_url: "/lock".to_owned(),
            delete_url: "/delete".to_owned(),
            deleted: false,
            editable: !archived,
        };
        let both = Difference { field: "Name", yours: HOSTILE.to_owned(), theirs: HOSTILE.to_owned() };
        vec![
            ("active", page(false, Vec::new())),
            ("conflict", page(false, vec![both])),
            ("archived", page(true, Vec::new())),
            ("deleted", Self { deleted: true, archived: false, ..page(true, Vec::new()) }),
        ]
    }
}

fn deployed_rows() -> Vec<DeployedRow> {
    let release = || Release {
        url: "/activity/x".to_owned(),
        commit: Some(Link::new(HOSTILE, "/references/commit_sha/x")),
        by: HOSTILE.to_owned(),
        at: timestamp(),
    };
    let row = |name: &str, good, failed| DeployedRow {
        environment: Link::new(name, "/projects/x/activity"),
        badge: state::badge("failed"),
        good,
        failed,
    };
    vec![
        row("production", Some(release()), None),
        row("staging", None, Some(release())),
        row(HOSTILE, Some(release()), Some(release())),
    ]
}

impl Sample for ProjectPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str, container: Option<ContainerCard>| Self {
            shell: shell("Project"),
            project: project_head(name),
            description: Some(name.to_owned()),
            deployed: deployed_rows(),
            heat: heat_map(&[0, 1, 2, 40, 7]),
            running: Vec::new(),
            days: Vec::new(),
            activity_url: "/projects/x/activity".to_owned(),
            container,
            insights_url: "/projects/x/insights".to_owned(),
            costs: vec![CostRow {
                date: "2026-11-27".to_owned(),
                day: "27 Nov".to_owned(),
                answers: "3".to_owned(),
                tokens: name.to_owned(),
                cost: name.to_owned(),
            }],
            facts: vec![Fact::mono(name, name)],
            is_gone: false,
        };
        let card = ContainerCard {
            url: "/containers/x".to_owned(),
            name: HOSTILE.to_owned(),
            badge: state::badge(HOSTILE),
            facts: vec![Fact::mono(HOSTILE, HOSTILE)],
        };
        vec![
            ("without a container", page("shop-api", None)),
            ("hostile", page(HOSTILE, Some(card))),
            ("gone", Self { is_gone: true, ..page(HOSTILE, None) }),
        ]
    }
}
