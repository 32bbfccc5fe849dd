//! Samples of the dashboard.

use chrono::DateTime;
use pilothouse::activity::daily::Span;
use pilothouse::activity::timeline::TimelinePage;
use pilothouse::db::server_version::ServerVersion;
use pilothouse::web::activity::display::Part;
use pilothouse::web::activity::presenter::TimelinePresenter;
use pilothouse::web::dashboard::chart::Chart;
use pilothouse::web::dashboard::figures;
use pilothouse::web::dashboard::figures::Figure;
use pilothouse::web::dashboard::show::{DashboardPage, FailedLine, Instance, TokenNote};
use pilothouse::web::dashboard::since::Since;

use super::frame::shell;
use super::projects::project_rows;
use super::timelines;
use super::{HOSTILE, Sample, timestamp};

impl Sample for DashboardPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let presenter = TimelinePresenter {
            now: DateTime::UNIX_EPOCH,
            zone: chrono_tz::Tz::UTC,
            is_admin: true,
            here: None,
            own_project: None,
            seconds: false,
        };
        let at = timestamp();
        let empty = || Self {
            shell: shell("Dashboard"),
            instance: None,
            running: Vec::new(),
            failed: Vec::new(),
            failed_url: "/activity".to_owned(),
            projects: Vec::new(),
            has_more_projects: false,
            tokens: Vec::new(),
            since: Since::new(TimelinePage::default(), None, None, &presenter),
        };
        let failure = FailedLine {
            sentence: vec![Part { text: HOSTILE.into(), url: None, kind: "word" }],
            reason: Some(HOSTILE.to_owned()),
            url: "/activity/x".to_owned(),
            when: at.clone(),
        };
        let since = Since {
            visit: Some(at.clone()),
            summary: HOSTILE.to_owned(),
            more: Some(HOSTILE.to_owned()),
            days: timelines::days(),
            ..empty().since
        };
        let busy = Self {
            running: timelines::running(),
            failed: vec![failure],
            projects: project_rows(),
            has_more_projects: true,
            tokens: vec![TokenNote { name: HOSTILE.to_owned(), what: "expires", when: Some(at.clone()) }],
            since: since.clone(),
            ..empty()
        };
        let instance = |as_of| Instance {
            figures: vec![Figure {
                label: "Users",
                value: "3".to_owned(),
                parts: vec![
                    figures::Part { label: HOSTILE.to_owned(), url: None },
                    figures::Part { label: HOSTILE.to_owned(), url: Some("/users".to_owned()) },
                ],
                url: "/users",
            }],
            chart: Chart::new(
                &Span::ending_today(30, DateTime::UNIX_EPOCH, chrono_tz::Tz::UTC).without_entries(as_of),
                DateTime::UNIX_EPOCH,
                chrono_tz::Tz::UTC,
            ),
            warning: ServerVersion::new(150_002).warning(),
        };
        let uncounted = Self { instance: Some(instance(None)), ..empty() };
        let admin = Self { instance: Some(instance(Some(DateTime::UNIX_EPOCH))), since, ..empty() };
        let quiet = Since::new(TimelinePage::default(), Some(DateTime::UNIX_EPOCH), None, &presenter);
        vec![
            ("nothing yet", empty()),
            ("busy and hostile", busy),
            ("an admin's", admin),
            ("not counted yet", uncounted),
            ("nothing new", Self { since: quiet, ..empty() }),
        ]
    }
}
