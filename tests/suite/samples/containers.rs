//! Samples of containers.

use chrono::DateTime;
use chrono_tz::Tz;
use pilothouse::db::cursor::Page;
use pilothouse::db::ids::ProjectId;
use pilothouse::http::query::Query;
use pilothouse::web::containers::figures::{Figure, FigureRow, FiguresPage, LineChart};
use pilothouse::web::containers::head::{ContainerHead, VerbButton};
use pilothouse::web::containers::index::{ContainerRow, ContainersPage};
use pilothouse::web::containers::logs::{LineView, LogsPage, SpanView};
use pilothouse::web::containers::runs::{RunBar, RunRow, RunStrip, RunTick, RunsPage};
use pilothouse::web::containers::show::{ContainerPage, Panel, ProjectLinks};
use pilothouse::web::display::{Choice, Fact, Link, Meta, Tab};
use pilothouse::web::state;

use super::frame::shell;
use super::{HOSTILE, Sample, endless, timestamp};

pub fn container_head(name: &str) -> ContainerHead {
    ContainerHead {
        css_url: "/assets/containers.css",
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

fn log_line(text: &str) -> LineView {
    LineView {
        at: "1795773600000000001.2".to_owned(),
        url: "/containers/x/logs?at=1795773600000000001.2#here".to_owned(),
        exact: "27 Nov 2026, 10:00:00 UTC".to_owned(),
        time: "10:00:00.000".to_owned(),
        is_error: true,
        is_here: false,
        spans: vec![
            SpanView { class: "a-red a-bold".to_owned(), text: text.to_owned(), is_hit: false },
            SpanView { class: String::new(), text: text.to_owned(), is_hit: true },
            SpanView { class: String::new(), text: text.to_owned(), is_hit: false },
        ],
        left_out: "… 99 MB more".to_owned(),
    }
}

impl Sample for LogsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str, reason: &str, command: Option<String>| Self {
            shell: shell("Logs"),
            container: container_head(name),
            script_url: "/assets/logs.js",
            reason: reason.to_owned(),
            command,
            logs_url: "/containers/x/logs".to_owned(),
            find: name.to_owned(),
            since: "2026-11-27T10:00:00".to_owned(),
            until: String::new(),
            next: "/containers/x/logs?find=%3Cb%3E".to_owned(),
            lines_offered: vec![Choice::new("200", "200 lines", "200")],
            streams: vec![Choice::new("both", "Both streams", "both")],
            times: vec![Choice::new("1", "With times", "1")],
            wraps: vec![Choice::new("1", "Wrapped", "1")],
            is_wrapped: true,
            has_times: true,
            told: format!("Found in 1 of {name}"),
            as_of: timestamp(),
            lines: vec![log_line(name), LineView { at: "2".to_owned(), is_here: true, ..log_line("plain") }],
            reload_url: "/containers/x/logs".to_owned(),
            older_url: Some("/containers/x/logs?until=1".to_owned()),
            clear_url: Some("/containers/x/logs".to_owned()),
            download_url: "/containers/x/logs/download".to_owned(),
            live_url: "/containers/x/logs/live".to_owned(),
            after: "1".to_owned(),
        };
        vec![
            ("plain", page("shop-web", "", None)),
            ("no engine", page("shop-web", HOSTILE, Some("docker logs x".to_owned()))),
            ("hostile", page(HOSTILE, "", None)),
            ("endless", page(&endless(200), "", None)),
        ]
    }
}

impl Sample for ContainerPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str| Self {
            shell: shell("Container"),
            container: container_head(name),
            is_made_here: name == HOSTILE,
            reported: Panel {
                as_of: Some(timestamp()),
                facts: vec![Fact::mono(name, name), Fact::link("Address", name, "https://shop.example")],
            },
            observed: Panel { as_of: None, facts: Vec::new() },
            facts: vec![Fact::mono(name, name)],
            labels: vec![Fact::mono(name, name)],
            metadata: Some(name.to_owned()),
            projects: vec![ProjectLinks::new(ProjectId(uuid::Uuid::nil()), name)],
            strip: run_strip(name),
            days: Vec::new(),
            activity_url: "/references/container_id/x".to_owned(),
        };
        vec![("plain", page("shop-api")), ("hostile", page(HOSTILE)), ("endless", page(&endless(200)))]
    }
}

fn run_strip(text: &str) -> RunStrip {
    RunStrip {
        told: "12 runs, one of which failed".to_owned(),
        bars: vec![RunBar {
            x: "1.000%".to_owned(),
            width: "10.000%".to_owned(),
            title: "28 Oct to 29 Oct".to_owned(),
            failed_at: Some("11.000%".to_owned()),
        }],
        ticks: ["28 Oct", "7 Nov", "now"]
            .map(|label| RunTick { x: "50.000%".to_owned(), label: label.to_owned() })
            .to_vec(),
        rows: vec![RunRow {
            began: timestamp(),
            ended: None,
            lasted: "3 h 4 m".to_owned(),
            badge: state::badge(text),
            exit_code: "137".to_owned(),
        }],
        is_cut: true,
    }
}

impl Sample for RunsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str, strip: RunStrip| Self {
            shell: shell("Runs"),
            container: container_head(name),
            strip,
        };
        let none = RunStrip { bars: Vec::new(), rows: Vec::new(), is_cut: false, ..run_strip("No run") };
        vec![
            ("plain", page("shop-api", run_strip("3 runs"))),
            ("none", page("shop-api", none)),
            ("hostile", page(HOSTILE, run_strip(HOSTILE))),
        ]
    }
}

impl Sample for FiguresPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |name: &str, path: &str| Self {
            shell: shell("Figures"),
            container: container_head(name),
            as_of: (!path.is_empty()).then(timestamp),
            now: vec![Figure { label: "Memory", value: "61 kB".to_owned(), note: "of 512 MB".to_owned() }],
            ranges: vec![
                Tab { label: "1 hour", url: "/containers/x/figures?hours=1".to_owned(), current: true },
                Tab { label: "6 hours", url: "/containers/x/figures?hours=6".to_owned(), current: false },
            ],
            from: timestamp(),
            to: timestamp(),
            charts: vec![LineChart {
                title: "Network",
                name: "network",
                told: "Received: at most 4.1 kB/s".to_owned(),
                top: "5 kB/s".to_owned(),
                lines: vec![("Received", path.to_owned()), ("Sent", path.to_owned())],
            }],
            marks: vec!["12.0".to_owned()],
            days: Vec::new(),
            columns: vec!["Received", "Sent"],
            rows: vec![FigureRow { at: timestamp(), cells: vec!["1 kB/s".to_owned(), "—".to_owned()] }],
        };
        vec![
            ("plain", page("shop-api", "M0 96L600 4")),
            ("none", page("shop-api", "")),
            ("hostile", page(HOSTILE, "M0 96L600 4")),
        ]
    }
}
