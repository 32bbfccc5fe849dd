//! Samples of operations.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use pilothouse::backups::copies::{BucketRecord, Copy};
use pilothouse::backups::records::{Archive, Overview, Record};
use pilothouse::db::cursor::Page;
use pilothouse::db::load::{Asker, SlowStatement, Waits};
use pilothouse::http::query::Query;
use pilothouse::instance::database::{LockWait, Replica, TableSize};
use pilothouse::postgres::statements::Costly;
use pilothouse::queue::Kind;
use pilothouse::queue::instance::{Errand, ErrandRecord};
use pilothouse::queue::queries::{Duty, FailedJob, MOST_COUNTED, Waiting};
use pilothouse::retention::Class;
use pilothouse::retention::queries::{Due, DueRow, Hold, MOST_COUNTED as MOST_DUE, Rule, Standing};
use pilothouse::web::operations::backups::{BackupsPage, Place};
use pilothouse::web::operations::database::{DatabasePage, OfInstance, OfServer};
use pilothouse::web::operations::retention::{Found as Kept, RetentionPage};
use pilothouse::web::operations::retention_rule::{Found as FoundRule, RulePage};
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

fn rule(class: Class, told: Option<&str>) -> Rule {
    let at = DateTime::<Utc>::UNIX_EPOCH;
    Rule {
        keep_days: (class != Class::Audit).then_some(180),
        changed_at: told.map(|_| at),
        changed_by: told.map(str::to_owned),
        reason: told.map(str::to_owned),
        ended_at: (class != Class::Files).then_some(at),
        last_gone: [(class, 1234)].into(),
        is_running: class == Class::Users,
        ..Rule::usual(class)
    }
}

impl Sample for RetentionPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let now = DateTime::<Utc>::UNIX_EPOCH + chrono::TimeDelta::days(1);
        let rules = |told: Option<&str>| {
            Class::ALL
                .map(|class| {
                    (
                        rule(class, told),
                        Standing { rows: 12_345, bytes: 67_890_123, oldest: Some(now), due: 10_000 },
                    )
                })
                .to_vec()
        };
        let hold = |kind: &str, text: &str| Hold {
            kind: kind.to_owned(),
            id: uuid::Uuid::nil(),
            name: text.to_owned(),
            reason: text.to_owned(),
            placed_by: text.to_owned(),
            placed_at: now,
        };
        let page = |found: &Kept| Self { shell: shell("Retention"), ..Self::of(found, now, Tz::UTC) };
        let mut refused = page(&Kept { next: None, rules: rules(None), holds: Vec::new() });
        refused.errors = vec![HOSTILE.to_owned()];
        refused.held.errors = vec![HOSTILE.to_owned()];
        vec![
            (
                "usual",
                page(&Kept { next: Some(now), rules: rules(None), holds: vec![hold("project", "shop")] }),
            ),
            ("refused", refused),
            (
                "hostile",
                page(&Kept {
                    next: Some(now),
                    rules: rules(Some(HOSTILE)),
                    holds: vec![hold("user", HOSTILE), hold("project", &endless(300))],
                }),
            ),
        ]
    }
}

impl Sample for RulePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let now = DateTime::<Utc>::UNIX_EPOCH + chrono::TimeDelta::days(1);
        let row = |text: &str| DueRow { at: Some(now), id: text.to_owned(), name: text.to_owned() };
        let page = |found: &FoundRule| Self { shell: shell("Retention"), ..Self::of(found, now, Tz::UTC) };
        let of = |preview| FoundRule { rule: rule(Class::Chat, None), preview };
        let due = |rows, named| Some((Some(30), Due { rows, named }));
        let mut refused = page(&of(due(0, Vec::new())));
        refused.days.errors = vec![HOSTILE.to_owned()];
        refused.reason.errors = vec![HOSTILE.to_owned()];
        refused.errors = vec![HOSTILE.to_owned()];
        vec![
            ("for-ever", page(&of(None))),
            ("nothing-goes", page(&of(due(0, Vec::new())))),
            ("some-go", page(&of(due(MOST_DUE, vec![row("shop"), row(HOSTILE), row(&endless(300))])))),
            ("refused", refused),
        ]
    }
}

impl Sample for BackupsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let now = DateTime::<Utc>::UNIX_EPOCH + chrono::TimeDelta::days(1);
        let record = |name: &str, state: &str, error: Option<&str>| Record {
            name: name.to_owned(),
            kind: "base".to_owned(),
            state: state.to_owned(),
            began_at: now,
            ended_at: Some(now),
            point_at: Some(now),
            bytes: 12_345_678,
            rows: 1_234_567,
            error: error.map(str::to_owned),
            proven_at: (state == "proven").then_some(now),
        };
        let place = |dir: &str, is_embedded| Place {
            dir: dir.to_owned(),
            key_file: Some(dir.to_owned()),
            is_embedded,
        };
        let page = |overview: &Overview, place: &Place| Self {
            shell: shell("Backups"),
            ..Self::of(overview, place, now, Tz::UTC)
        };
        let archive = |error: Option<&str>| {
            Some(Archive {
                archived_until: Some(now),
                waiting: 1,
                error: error.map(str::to_owned),
                as_of: now,
            })
        };
        let bucket = |name: &str, error: Option<&str>| BucketRecord {
            name: name.to_owned(),
            place: format!("https://s3.example.org/{name}/"),
            region: "eu-north-1".to_owned(),
            copied_at: None,
            log_until: Some(now),
            failing_since: error.map(|_| now),
            error: error.map(str::to_owned),
        };
        let copy = |bucket: &str, backup: &str, state: &str, error: Option<&str>| Copy {
            bucket: bucket.to_owned(),
            backup: backup.to_owned(),
            made_at: now,
            state: state.to_owned(),
            upload: None,
            verified_at: (state == "verified").then_some(now),
            error: error.map(str::to_owned),
        };
        let usual = Overview {
            buckets: vec![bucket("offsite", None), bucket("second", Some("it refuses (403 AccessDenied)"))],
            copies: vec![
                copy("offsite", "20261127T031300Z", "verified", None),
                copy("offsite", "20261126T031300Z", "copying", None),
                copy(
                    "second",
                    "20261127T031300Z",
                    "failed",
                    Some("read back from the bucket: it is damaged"),
                ),
            ],
            backups: vec![
                record("20261127T031300Z", "proven", None),
                record("20261126T031300Z", "verified", None),
            ],
            archive: archive(None),
            next_backup: Some(now),
            next_proof: Some(now),
            key_is_kept: true,
        };
        let hostile = Overview {
            // Their names come out of the configuration, which takes letters, digits, -, _ and . alone.
            buckets: vec![bucket("copies", Some(HOSTILE)), bucket(&endless(300), Some(&endless(300)))],
            copies: vec![copy("copies", HOSTILE, "failed", Some(HOSTILE))],
            backups: vec![
                record(HOSTILE, "failed", Some(HOSTILE)),
                record(&endless(300), "written", Some(&endless(300))),
            ],
            archive: archive(Some(HOSTILE)),
            ..Overview::default()
        };
        vec![
            ("none", page(&Overview::default(), &place("/var/backups", false))),
            ("usual", page(&usual, &place("./.pilothouse/backups", true))),
            ("hostile", page(&hostile, &place(HOSTILE, true))),
        ]
    }
}

impl Sample for DatabasePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let now = DateTime::<Utc>::UNIX_EPOCH + chrono::TimeDelta::days(1);
        let table = |name: &str, growth| TableSize {
            name: name.to_owned(),
            rows: 1_234_567,
            bytes: 987_654_321,
            dead: 1_234,
            growth,
        };
        let wait = |statement: &str| LockWait {
            pid: 4711,
            blocked_by: vec![4712, 4713],
            since: Some(now),
            statement: statement.to_owned(),
        };
        let slow = |statement: &str| SlowStatement {
            text: statement.to_owned(),
            took: std::time::Duration::from_millis(1234),
            ended: std::time::Instant::now(),
            asker: Some(Asker { route: HOSTILE.to_owned(), request_id: HOSTILE.to_owned() }),
        };
        let costly = |statement: &str| Costly {
            calls: 12_345,
            total_ms: 98_765.4,
            mean_ms: 0.42,
            statement: statement.to_owned(),
        };
        let replica = |name: &str, behind| Replica {
            name: name.to_owned(),
            state: name.to_owned(),
            behind,
            lag: behind.map(|bytes| bytes / 1_000),
        };
        let archive = |error: Option<&str>| Archive {
            archived_until: error.is_none().then_some(now),
            waiting: 2,
            error: error.map(str::to_owned),
            as_of: now,
        };
        let page = |server: OfServer| Self {
            shell: shell("Database"),
            ..Self::of(
                &server,
                &OfInstance {
                    connections: (8, 5),
                    most: 10,
                    waits: Waits { waiting: 2, asked: 9, ..Waits::default() },
                    slow: server.waits.iter().map(|wait| slow(&wait.statement)).collect(),
                },
                now,
                Tz::UTC,
            )
        };
        let usual = [
            table("public.projects", None),
            table("pilothouse.timeline", Some(1_234_567)),
            table("x", Some(-99)),
        ];
        let archived = OfServer {
            tables: usual.to_vec(),
            costly: Some(Vec::new()),
            archive: Some(archive(None)),
            ..OfServer::default()
        };
        let hostile = OfServer {
            tables: vec![table(HOSTILE, Some(0)), table(&endless(300), None)],
            waits: vec![wait(HOSTILE), wait(&endless(500))],
            costly: Some(vec![costly(HOSTILE), costly(&endless(2_000))]),
            replicas: vec![replica(HOSTILE, None), replica(&endless(60), Some(12_345_678))],
            archive: Some(archive(Some(HOSTILE))),
        };
        vec![
            ("usual", page(OfServer { tables: usual.to_vec(), ..OfServer::default() })),
            ("counted and archived", page(archived)),
            ("hostile", page(hostile)),
        ]
    }
}
