//! Samples of conversations with the assistant, and of drafts.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use pilothouse::analytics::funnel::{Funnel, FunnelFilter, Referred, STEPS, StepCount};
use pilothouse::assistant::conversation::Conversation;
use pilothouse::assistant::listing::{Asked, SessionLine};
use pilothouse::assistant::provider::{BuiltIn, Provider};
use pilothouse::assistant::queries::Session;
use pilothouse::assistant::slots::{Answer, Slot};
use pilothouse::db::ids::{ProjectId, UserId};
use pilothouse::drafts::Status;
use pilothouse::drafts::outbox::OutboxLine;
use pilothouse::drafts::queries::DraftView;
use pilothouse::drafts::wireframe::{Part, Screen};
use pilothouse::referrals::Attribution;
use pilothouse::referrals::codes::Counts;
use pilothouse::web::drafts::index::{DraftRow, DraftsPage};
use pilothouse::web::drafts::show::DraftPage;
use pilothouse::web::intake::crm::{CrmPage, OutboxRow};
use pilothouse::web::intake::funnel::{AttributionPage, FunnelPage};
use pilothouse::web::intake::session::{EventRow, IntakeSessionPage};
use pilothouse::web::intake::sessions::{IntakeRow, IntakeSessionsPage};
use pilothouse::web::referrals::show::ReferralsPage;
use pilothouse::web::shell::Shell;
use pilothouse::web::start::claim::ClaimPage;
use pilothouse::web::start::delete::DeletePage;
use pilothouse::web::start::draft::StartDraftPage;
use pilothouse::web::start::show::StartPage;
use pilothouse::web::version::Difference;
use pilothouse::web::wireframes::show::{Drawing, WireframePage};
use serde_json::json;

use super::frame::shell;
use super::{HOSTILE, Sample, endless};

fn now() -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000)
}

fn session(messages: &[&str]) -> Session {
    let mut conversation = Conversation::begin("1", None);
    for message in messages {
        let proposal = BuiltIn.propose(&conversation.talk(message, now().date_naive())).unwrap();
        conversation.take(message, proposal, now());
    }
    Session {
        id: uuid::Uuid::from_u128(1),
        session_id: "as_1".to_owned(),
        user: None,
        conversation,
        attribution: Attribution::default(),
        last_activity: None,
        is_active: true,
        is_answering: false,
    }
}

fn draft(title: &str, status: Status) -> DraftView {
    DraftView {
        id: 7,
        owner: Some(UserId(uuid::Uuid::from_u128(1))),
        session_id: Some("as_1".to_owned()),
        title: title.to_owned(),
        description: title.to_owned(),
        skills: vec![title.to_owned()],
        milestones: vec![title.to_owned()],
        budget: json!({ "min": 5000, "max": 10000, "currency": "EUR" }),
        timeline: title.to_owned(),
        score: 75,
        status,
        edited: Vec::new(),
        developer_ref: Some(title.to_owned()),
        source: Some("mail".to_owned()),
        chain: Some(title.to_owned()),
        project: None,
        wireframe_url: None,
        page_url: None,
        page_note: None,
        posted_at: Some(now()),
        updated_at: Some(now()),
    }
}

const SENTENCE: &str =
    "I need an online shop for small bakeries with login and payments via Stripe, 5k–10k €, in 3 months";

impl Sample for StartPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let anonymous = || Shell::anonymous("Describe your project");
        let mut hostile = session(&[SENTENCE, HOSTILE]);
        hostile.conversation.slots.fill(Slot::Audience, Answer::full(HOSTILE));
        hostile.conversation.slots.fill(Slot::Goal, Answer::full(endless(400)));
        let found = Some((hostile, Some(draft(HOSTILE, Status::Draft))));
        let mut refused = Self::with(anonymous(), Some(HOSTILE.to_owned()), false, found.clone());
        HOSTILE.clone_into(&mut refused.text.value);
        refused.text.errors = vec!["This is not right.".to_owned()];
        refused.errors = vec![HOSTILE.to_owned()];
        let mut closed = Self::with(shell("Describe your project"), None, true, found);
        closed.closed = Some("That is the most.".to_owned());
        vec![
            ("nobody yet", Self::with(anonymous(), None, false, None)),
            ("begun", Self::with(anonymous(), None, false, Some((session(&[SENTENCE]), None)))),
            ("refused", refused),
            ("closed", closed),
        ]
    }
}

impl Sample for StartDraftPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let found = Some((session(&[SENTENCE]), Some(draft(HOSTILE, Status::Draft))));
        let mut refused = Self::with(Shell::anonymous("Your draft"), false, found.clone());
        refused.errors = vec![HOSTILE.to_owned()];
        HOSTILE.clone_into(&mut refused.panel.slots[5].field.value);
        refused.panel.slots[5].field.errors = vec!["No amount.".to_owned()];
        refused.panel.slots[5].is_open = true;
        vec![
            ("none", Self::with(Shell::anonymous("Your draft"), false, Some((session(&[]), None)))),
            ("refused", refused),
            ("own", Self::with(shell("Your draft"), true, found)),
        ]
    }
}

impl Sample for DeletePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let title = "Delete the conversation";
        vec![
            ("visitor", Self::with(Shell::anonymous(title), false, 6, true)),
            ("user", Self::with(shell(title), true, 1, false)),
        ]
    }
}

impl Sample for ClaimPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |is_signed_in: bool, offered: Option<&str>| Self {
            shell: if is_signed_in { shell("Claim") } else { Shell::anonymous("Claim") },
            errors: vec!["Tick the box.".to_owned()],
            is_signed_in,
            offered: offered.map(str::to_owned),
            link: String::new(),
            made: None,
            has_conversation: true,
        };
        let made = Self { made: Some(format!("https://x.test/{}", endless(64))), ..page(false, None) };
        let linked = Self { link: "0f".repeat(32), ..page(false, None) };
        vec![
            ("offered", page(true, Some(HOSTILE))),
            ("nothing", page(true, None)),
            ("visitor", page(false, None)),
            ("made", made),
            ("linked", linked),
        ]
    }
}

impl Sample for DraftsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |drafts: Vec<DraftView>| Self {
            shell: shell("Drafts"),
            drafts: drafts.iter().map(|draft| DraftRow::new(draft, now(), Tz::UTC)).collect(),
            first: Some("/drafts".to_owned()),
            older: Some("/drafts?before=7".to_owned()),
        };
        let states = [
            Status::Draft,
            Status::Posted,
            Status::InProgress,
            Status::Completed,
            Status::Other(HOSTILE.to_owned()),
        ];
        vec![
            ("none", page(Vec::new())),
            ("hostile", page(states.map(|state| draft(HOSTILE, state)).to_vec())),
        ]
    }
}

impl Sample for DraftPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let title = "Online shop for small bakeries";
        let open = Self::with(shell(title), &draft(title, Status::Draft), true, Vec::new());
        let mut refused =
            Self::with(shell(HOSTILE), &draft(HOSTILE, Status::Draft), true, vec![HOSTILE.to_owned()]);
        refused.errors = vec![HOSTILE.to_owned()];
        refused.fields.budget.errors = vec!["No amount.".to_owned()];
        refused.conflict =
            vec![Difference { field: "Title", yours: HOSTILE.to_owned(), theirs: endless(200) }];
        let posted = Self::with(shell(title), &draft(title, Status::Posted), true, Vec::new());
        let project = Some(ProjectId(uuid::Uuid::from_u128(1)));
        let wireframe_url = Some(format!("https://x.test/wireframes/{}", endless(64)));
        let page_url = Some(format!("https://x.test/{}", endless(64)));
        let page_note = Some(title.to_owned());
        let made =
            DraftView { project, wireframe_url, page_url, page_note, ..draft(title, Status::Completed) };
        vec![
            ("open", open),
            ("refused", refused),
            ("posted", posted),
            ("of somebody else", Self::with(shell(title), &made, false, Vec::new())),
        ]
    }
}

impl Sample for FunnelPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let day = now().date_naive();
        let filter =
            FunnelFilter { from: day, to: day, developer_ref: Some(HOSTILE.to_owned()), source: None };
        let funnel = |sessions: i64| Funnel {
            steps: STEPS
                .into_iter()
                .zip(0..)
                .map(|((word, label), at)| StepCount {
                    word,
                    label,
                    sessions: sessions / (at + 1),
                    rate: (at > 0).then_some(0.5),
                    overall: (at > 0).then_some(0.123),
                    median: (at > 0).then_some(185.0),
                })
                .collect(),
            exits: vec![("budget".to_owned(), sessions), (HOSTILE.to_owned(), 1)],
            as_of: None,
        };
        let as_of = Some(super::timestamp());
        vec![
            ("not counted", Self::with(shell("Intake"), &filter, &funnel(0), None)),
            ("nobody", Self::with(shell("Intake"), &filter, &funnel(0), as_of.clone())),
            ("many", Self::with(shell("Intake"), &filter, &funnel(1_234_567), as_of)),
        ]
    }
}

impl Sample for AttributionPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |rows| Self {
            shell: shell("Attribution"),
            tabs: Vec::new(),
            from: "2026-11-01".to_owned(),
            to: "2026-11-27".to_owned(),
            rows,
        };
        let row = |code: &str| Referred {
            developer_ref: code.to_owned(),
            source: code.to_owned(),
            started: 12,
            drafted: 5,
            posted: 1,
            projects: 0,
        };
        vec![("none", page(Vec::new())), ("hostile", page(vec![row(HOSTILE), row("")]))]
    }
}

impl Sample for IntakeSessionsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let line = |state: &str| SessionLine {
            id: uuid::Uuid::from_u128(1),
            session_id: "as_0123456789abcdef0123456789abcdef".to_owned(),
            state: state.to_owned(),
            score: 75,
            messages: 12,
            chain: Some(HOSTILE.to_owned()),
            last_activity: Some(now().naive_utc()),
        };
        let rows = |lines: &[SessionLine]| {
            lines.iter().map(|line| IntakeRow::new(line, now(), Tz::UTC)).collect::<Vec<_>>()
        };
        let asked = Asked { q: Some(HOSTILE.to_owned()), ..Asked::default() };
        let mut full = Self::with(
            shell("Conversations"),
            &Asked::default(),
            rows(&["active", "claimed", "completed", "expired", HOSTILE].map(line)),
        );
        full.older = Some("/intake/sessions?before=1.x".to_owned());
        vec![
            ("none", Self::with(shell("Conversations"), &Asked::default(), Vec::new())),
            ("no match", Self::with(shell("Conversations"), &asked, Vec::new())),
            ("full", full),
        ]
    }
}

impl Sample for IntakeSessionPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let event = EventRow {
            at: super::timestamp(),
            event: HOSTILE.to_owned(),
            slot: "budget".to_owned(),
            score: "75".to_owned(),
        };
        let page = || Self::with(shell("Conversation"), &session(&[SENTENCE]), vec![event.clone()], Some(7));
        let mut refused = page();
        HOSTILE.clone_into(&mut refused.reason.value);
        refused.reason.errors = vec!["Say why.".to_owned()];
        let said =
            Self { said: Some(vec![("Visitor", HOSTILE.to_owned()), ("Goal", endless(300))]), ..page() };
        let url = Some("/intake/sessions/x/invite".to_owned());
        let invite = Self { invite_url: url, errors: vec![HOSTILE.to_owned()], ..page() };
        vec![("closed", page()), ("refused", refused), ("read", said), ("invite", invite)]
    }
}

impl Sample for ReferralsPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let counts = Counts { conversations: 1234, drafts: 12, posted: 3, projects: 0 };
        let mut refused = Self::with(shell("Referrals"), None, None);
        HOSTILE.clone_into(&mut refused.code.value);
        refused.code.errors = vec!["Somebody else has it.".to_owned()];
        let link = format!("https://x.test/start?ref={}", endless(64));
        vec![("none", refused), ("own", Self::with(shell("Referrals"), Some(link), Some(counts)))]
    }
}

impl Sample for CrmPage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |rows| Self::with(shell("Sales"), true, rows);
        let row = |state: &str| {
            let line = OutboxLine {
                id: uuid::Uuid::from_u128(1),
                draft: 7,
                title: Some(HOSTILE.to_owned()),
                state: state.to_owned(),
                attempts: 3,
                last_error: Some(HOSTILE.to_owned()),
                opportunity: (state == "sent").then(|| HOSTILE.to_owned()),
                retry_at: now(),
                changed_at: now(),
                corrected_at: Some(now()),
            };
            OutboxRow::new(&line, now(), Tz::UTC)
        };
        vec![
            ("none", page(Vec::new())),
            ("not connected", Self::with(shell("Sales"), false, Vec::new())),
            ("hostile", page(["pending", "sent", "parked", "dead", HOSTILE].map(row).to_vec())),
        ]
    }
}

impl Sample for WireframePage {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |title: &str, parts: Vec<Part>| {
            let screen = Screen { title: title.to_owned(), parts };
            Self {
                shell: Shell::anonymous("Wireframe"),
                title: title.to_owned(),
                screens: vec![Drawing::of(&screen); 3],
            }
        };
        let hostile = || HOSTILE.to_owned();
        let parts = vec![
            Part::Text(hostile()),
            Part::Field(hostile()),
            Part::Button(hostile()),
            Part::Rows(900),
            Part::Picture,
        ];
        vec![("empty", page("Cats", Vec::new())), ("hostile", page(HOSTILE, parts))]
    }
}
