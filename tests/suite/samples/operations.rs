//! Samples of operations.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use pilothouse::db::cursor::Page;
use pilothouse::http::query::Query;
use pilothouse::queue::Kind;
use pilothouse::queue::instance::{Errand, ErrandRecord};
use pilothouse::queue::queries::{Duty, FailedJob, MOST_COUNTED, Waiting};
use pilothouse::web::operations::show::{Found, OperationsPage};

use super::frame::shell;
use super::{HOSTILE, Sample, endless};

impl Sample for OperationsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let now = DateTime::<Utc>::UNIX_EPOCH + chrono::TimeDelta::days(1);
        let earlier = DateTime::<Utc>::UNIX_EPOCH;
        let duty = |kind: Kind, failing: Option<&str>, next_at, is_running| Duty {
            kind,
            next_at,
            due_since: None,
            last_success_at: next_at.map(|_| now),
            failing_since: failing.map(|_| earlier),
            last_error: failing.map(str::to_owned),
            is_running,
        };
        let record = |error: Option<&str>| ErrandRecord {
            since: earlier,
            last_success_at: error.is_none().then_some(now),
            failing_since: error.map(|_| earlier),
            last_error: error.map(str::to_owned),
        };
        let waiting = |kind: &str, due| Waiting {
            kind: kind.to_owned(),
            running: 1,
            due,
            later: 3,
            failing: 2,
            due_since: Some(earlier),
        };
        let job = |at: u128, kind: &str, error: Option<&str>| FailedJob {
            id: pilothouse::db::ids::JobId(uuid::Uuid::from_u128(at)),
            kind: kind.to_owned(),
            attempts: 12,
            last_error: error.map(str::to_owned),
            created_at: earlier,
            ended_at: Some(now),
        };
        let page = |found: &Found| Self {
            shell: shell("Operations"),
            ..Self::of(&Query(Vec::new()), found, now, Tz::UTC)
        };
        let none = Page { rows: Vec::new(), has_previous: false, has_next: false };
        let long = endless(300);
        vec![
            (
                "quiet",
                page(&Found {
                    duties: vec![duty(Kind::RollUpActivity, None, Some(now), false)],
                    errands: vec![(Errand::LookForJobs, record(None))],
                    waiting: Vec::new(),
                    failed: none.clone(),
                }),
            ),
            (
                "no-runner",
                page(&Found {
                    duties: vec![duty(Kind::RecordSpooled, None, None, false)],
                    errands: Vec::new(),
                    waiting: Vec::new(),
                    failed: none,
                }),
            ),
            (
                "trouble",
                page(&Found {
                    duties: vec![
                        duty(Kind::RollUpActivity, Some(HOSTILE), Some(now), false),
                        duty(Kind::RecordSpooled, None, Some(now), true),
                        duty(Kind::Other(HOSTILE.to_owned()), Some(&long), Some(earlier), false),
                        duty(Kind::PruneJobs, None, Some(earlier), false),
                    ],
                    errands: vec![
                        (Errand::LookForJobs, record(None)),
                        (Errand::ReadSpoolFile, record(Some(HOSTILE))),
                    ],
                    waiting: vec![waiting(HOSTILE, 7), waiting(&long, MOST_COUNTED)],
                    failed: Page {
                        rows: vec![
                            job(1, "roll_up_activity", Some(&long)),
                            job(2, HOSTILE, Some(HOSTILE)),
                            job(3, &long, None),
                        ],
                        has_previous: true,
                        has_next: true,
                    },
                }),
            ),
        ]
    }
}
