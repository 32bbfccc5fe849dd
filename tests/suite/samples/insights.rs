//! Samples of insights.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pilothouse::db::ids::{ContainerId, ProjectId};
use pilothouse::insights::queries::{Activity, Costs, KindCount, ModelCost, Slowest};
use pilothouse::insights::runs::ContainerRuns;
use pilothouse::insights::{Question, Range, Scope};
use pilothouse::web::activity::presenter::TimelinePresenter;
use pilothouse::web::insights::show::{Found, InsightsPage};
use uuid::Uuid;

use super::frame::shell;
use super::projects::project_head;
use super::{HOSTILE, Sample, endless, timelines};

impl Sample for InsightsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        let presenter = TimelinePresenter {
            now,
            zone: Tz::UTC,
            is_admin: true,
            here: None,
            own_project: None,
            seconds: false,
        };
        let range = Range::ending_today(30, now, Tz::UTC);
        let none = |as_of, scope| Found {
            question: Question { scope, range, environment: None },
            complaint: None,
            activity: Activity {
                as_of,
                days: range.days().into_iter().map(|day| (day, 0, 0)).collect(),
                hours: [[0; 24]; 7],
                kinds: Vec::new(),
                environments: Vec::new(),
            },
            costs: Costs {
                days: range.days().into_iter().map(|day| (day, 0)).collect(),
                by_day: Vec::new(),
                models: Vec::new(),
            },
            containers: Vec::new(),
            running: Vec::new(),
            projects: Vec::new(),
        };
        let kind = |word: &str, slowest| KindCount {
            kind: word.to_owned(),
            entries: 1234,
            failed: 3,
            by_day: (0..30).collect(),
            failed_by_day: vec![0; 30],
            timed: 40,
            p50: Some(61_000),
            p95: Some(4_000_000),
            slowest,
        };
        let slowest = Slowest {
            source: "event".to_owned(),
            id: HOSTILE.to_owned(),
            title: endless(300),
            ms: 5_000_000,
        };
        let mut busy = none(Some(now), Scope::Everything);
        busy.question.environment = Some(HOSTILE.to_owned());
        busy.complaint = Some(HOSTILE.to_owned());
        for (at, (_, entries, failed)) in (1..).zip(&mut busy.activity.days) {
            (*entries, *failed) = (at * 7, at % 3);
        }
        busy.activity.hours[2][9] = 40;
        busy.activity.hours[6][23] = 1;
        busy.activity.kinds = vec![
            kind("deployment", Some(slowest)),
            kind(HOSTILE, None),
            kind(&endless(200), None),
            kind("", None),
        ];
        busy.activity.environments = vec!["production".to_owned(), HOSTILE.to_owned()];
        busy.costs.days[3].1 = 12_345_678;
        busy.costs.models = vec![
            ModelCost { model: HOSTILE.to_owned(), messages: 3, tokens: 4_000, micro_usd: 12_345_678 },
            ModelCost { model: String::new(), messages: 1, tokens: 0, micro_usd: 0 },
        ];
        busy.containers = vec![ContainerRuns {
            id: ContainerId(Uuid::from_u128(1)),
            name: HOSTILE.to_owned(),
            begun: 4,
            crashed: 3,
            up_ms: 3_600_000,
            known_ms: 86_400_000,
        }];
        busy.projects = vec![(ProjectId(Uuid::from_u128(2)), HOSTILE.to_owned())];
        let page = |found: &Found, project| Self::new(shell("Insights"), project, found, &presenter);
        let of_project = none(Some(now), Scope::Project(ProjectId(Uuid::from_u128(2))));
        vec![
            ("uncounted", page(&none(None, Scope::Own), None)),
            ("nothing", page(&of_project, Some(project_head(HOSTILE)))),
            (
                "busy",
                Self {
                    running: timelines::running(),
                    slower: Some("One takes longer.".to_owned()),
                    ..page(&busy, None)
                },
            ),
        ]
    }
}
