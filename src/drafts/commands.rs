//! Changes of drafts. What may follow what is checked under the row's lock.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::outbox;
use super::queries::{self, DraftView};
use super::{Status, Texts};
use crate::activity::{ActionType, NewAction, track};
use crate::analytics::{self, EventType, Way};
use crate::audit::{self, AuditAction, Target};
use crate::containers::{Making, NewContainer};
use crate::db::ids::ProjectId;
use crate::db::schema::job_drafts;
use crate::db::time::now;
use crate::identity::Principal;
use crate::operations::{OperationId, making};
use crate::projects::commands::{self as projects, Draft as NewProject};
use crate::projects::{Kind, ProjectDescription, ProjectName};
use crate::referrals::Attribution;

/// The type of a project that is made of a draft.
pub const PROJECT_TYPE: &str = "nextjs";

/// The version of the words that a poster agrees to.
pub const CONSENT: &str = "2026-11";

/// Why a draft was not changed.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// It does not exist, or not for this principal.
    #[error("no such draft")]
    NotFound,
    /// Somebody changed it since it was read.
    #[error("changed meanwhile")]
    Stale(Box<DraftView>),
    /// Sentences that say why.
    #[error("not from here")]
    Obstacles(Vec<String>),
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

pub(super) fn target(draft: &DraftView) -> Target {
    Target { kind: "draft", id: draft.id.to_string(), name: draft.title.clone(), project: None }
}

/// The draft, held. It is its owner's alone to change, also before an admin.
pub(super) fn hold_own(
    conn: &mut PgConnection,
    principal: &Principal,
    id: i64,
) -> Result<DraftView, DraftError> {
    let draft = queries::hold(conn, id)?.ok_or(DraftError::NotFound)?;
    if draft.owner.is_none() || draft.owner != principal.user {
        return Err(DraftError::NotFound);
    }
    Ok(draft)
}

/// Writes what a person typed, unless the draft was changed since `seen`. What they changed stays theirs.
pub fn edit(
    conn: &mut PgConnection,
    principal: &Principal,
    id: i64,
    texts: &Texts,
    seen: Option<DateTime<Utc>>,
) -> Result<(), DraftError> {
    let draft = hold_own(conn, principal, id)?;
    if draft.updated_at != seen {
        return Err(DraftError::Stale(Box::new(draft)));
    }
    if draft.status == Status::Completed {
        return Err(DraftError::Obstacles(vec!["It is completed, and stays as it is.".to_owned()]));
    }
    let same_budget =
        super::model::budget_in_words(&draft.budget) == super::model::budget_in_words(&texts.budget);
    let changed: Vec<(&str, Value, Value)> = [
        ("title", json!(draft.title), json!(texts.title)),
        ("description", json!(draft.description), json!(texts.description)),
        ("generated_skills", json!(draft.skills), json!(texts.skills)),
        ("generated_milestones", json!(draft.milestones), json!(texts.milestones)),
        ("estimated_timeline", json!(draft.timeline), json!(texts.timeline)),
    ]
    .into_iter()
    .chain((!same_budget).then(|| ("estimated_budget_range", draft.budget.clone(), texts.budget.clone())))
    .filter(|(_, before, after)| before != after)
    .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let mut edited = draft.edited.clone();
    for (column, ..) in &changed {
        if !edited.iter().any(|own| own == column) {
            edited.push((*column).to_owned());
        }
    }
    let list = |items: &[String]| Some(items.iter().cloned().map(Some).collect::<Vec<_>>());
    let budget = if same_budget { draft.budget.clone() } else { texts.budget.clone() };
    diesel::update(job_drafts::table.find(id))
        .set((
            job_drafts::title.eq(Some(&texts.title)),
            job_drafts::description.eq(Some(&texts.description)),
            job_drafts::generated_skills.eq(list(&texts.skills)),
            job_drafts::generated_milestones.eq(list(&texts.milestones)),
            job_drafts::estimated_budget_range.eq(Some(budget).filter(|budget| !budget.is_null())),
            job_drafts::estimated_timeline.eq(Some(&texts.timeline)),
            job_drafts::edited.eq(edited.into_iter().map(Some).collect::<Vec<_>>()),
            job_drafts::page_note
                .eq(draft.page_url.as_ref().map(|_| "It was changed, and is published again.")),
            job_drafts::updated_at.eq(now.nullable()),
        ))
        .execute(conn)?;
    if changed.iter().any(|(column, ..)| matches!(*column, "title" | "estimated_budget_range")) {
        outbox::correct(conn, id)?;
    }
    let fields = |of: fn(&(&str, Value, Value)) -> (String, Value)| {
        changed.iter().map(of).collect::<serde_json::Map<_, _>>()
    };
    let before = fields(|(column, before, _)| ((*column).to_owned(), before.clone()));
    let after = fields(|(column, _, after)| ((*column).to_owned(), after.clone()));
    audit::record_change(
        conn,
        principal,
        &AuditAction::DraftChanged,
        &target(&draft),
        Value::Object(before),
        Value::Object(after),
    )?;
    Ok(())
}

/// What a poster agrees to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    pub to_posting: bool,
    /// That the sales system is told too.
    pub to_sales: bool,
}

/// Posts a draft: from here on its attribution stays as it is.
pub fn post(
    conn: &mut PgConnection,
    principal: &Principal,
    id: i64,
    consent: Consent,
) -> Result<(), DraftError> {
    let draft = hold_own(conn, principal, id)?;
    let mut obstacles = queries::obstacles_to_posting(conn, &draft)?;
    if !consent.to_posting && draft.status == Status::Draft {
        obstacles.push("Tick the box that says that it may be shown.".to_owned());
    }
    if !obstacles.is_empty() {
        return Err(DraftError::Obstacles(obstacles));
    }
    let agreed = json!({
        "version": CONSENT, "at": principal.at, "posting": consent.to_posting, "sales": consent.to_sales,
    });
    diesel::update(job_drafts::table.find(id))
        .set((
            job_drafts::public_status.eq("posted"),
            job_drafts::posted_at.eq(now.nullable()),
            job_drafts::consent.eq(Some(&agreed)),
            job_drafts::updated_at.eq(now.nullable()),
        ))
        .execute(conn)?;
    let before = json!({ "public_status": "draft" });
    let after = json!({ "public_status": "posted", "consent": agreed, "attribution_chain": draft.chain });
    audit::record_change(conn, principal, &AuditAction::DraftPosted, &target(&draft), before, after)?;
    if let (true, Some(owner)) = (consent.to_sales, draft.owner) {
        outbox::put(conn, owner, id)?;
    }
    tell(conn, &draft, EventType::DraftPosted)?;
    Ok(())
}

pub(super) fn attribution(draft: &DraftView) -> Attribution {
    Attribution::of_row(draft.developer_ref.clone(), draft.source.clone(), draft.chain.clone())
}

pub(super) fn way<'a>(draft: &'a DraftView, attribution: &'a Attribution) -> Way<'a> {
    Way {
        session: draft.session_id.as_deref(),
        user: draft.owner,
        draft: Some(draft.id),
        score: i32::try_from(draft.score).ok(),
        attribution,
    }
}

fn tell(conn: &mut PgConnection, draft: &DraftView, event: EventType) -> QueryResult<()> {
    analytics::record(conn, &way(draft, &attribution(draft)), &[(event, None)])
}

/// Moves a draft on to `to`, which must be what follows.
pub fn move_on(
    conn: &mut PgConnection,
    principal: &Principal,
    id: i64,
    to: &Status,
) -> Result<(), DraftError> {
    let draft = hold_own(conn, principal, id)?;
    if draft.status.next().as_ref() != Some(to) {
        let sentence = format!("It is {}, and can't become {} from there.", draft.status.label(), to.label());
        return Err(DraftError::Obstacles(vec![sentence]));
    }
    set_status(conn, principal, &draft, to)?;
    Ok(())
}

fn set_status(
    conn: &mut PgConnection,
    principal: &Principal,
    draft: &DraftView,
    to: &Status,
) -> QueryResult<()> {
    diesel::update(job_drafts::table.find(draft.id))
        .set((job_drafts::public_status.eq(to.as_str()), job_drafts::updated_at.eq(now.nullable())))
        .execute(conn)?;
    let (before, after) =
        (json!({ "public_status": draft.status.as_str() }), json!({ "public_status": to.as_str() }));
    audit::record_change(conn, principal, &AuditAction::DraftMoved, &target(draft), before, after)
}

/// Makes a project of a draft, once, and asks for its container. A posted draft is in progress from there on.
pub fn make_project(
    conn: &mut PgConnection,
    principal: &Principal,
    id: i64,
    container: Option<&NewContainer>,
) -> Result<(ProjectId, Option<OperationId>), DraftError> {
    let draft = hold_own(conn, principal, id)?;
    if draft.project.is_some() {
        return Err(DraftError::Obstacles(vec!["There is a project of it already.".to_owned()]));
    }
    let refused = |sentence: String| DraftError::Obstacles(vec![sentence]);
    let new = NewProject {
        name: ProjectName::parse(&draft.title, None).map_err(refused)?,
        description: ProjectDescription::parse(&draft.description, None).map_err(refused)?,
        kind: Kind::parse(PROJECT_TYPE, None).map_err(refused)?,
    };
    let project = projects::insert(conn, principal, &new, None)?;
    let status = if draft.status == Status::Posted { Status::InProgress } else { draft.status.clone() };
    diesel::update(job_drafts::table.find(id))
        .set((
            job_drafts::project_id.eq(Some(project.0)),
            job_drafts::public_status.eq(status.as_str()),
            job_drafts::updated_at.eq(now.nullable()),
        ))
        .execute(conn)?;
    let before = json!({ "project": null, "public_status": draft.status.as_str() });
    let after = json!({ "project": project.to_string(), "public_status": status.as_str() });
    let made = Target { project: Some(project), ..target(&draft) };
    audit::record_change(conn, principal, &AuditAction::DraftMadeProject, &made, before, after)?;
    let way_here = tell_the_way(conn, principal, project, &draft)?;
    let created = projects::created(principal, project, new.name.as_str(), None)
        .refers_to("draft_id", id.to_string())
        .caused_by(way_here);
    let cause = format!("action:{}", created.id());
    track(conn, created);
    tell(conn, &draft, EventType::ProjectCreated)?;
    let operation = match container {
        Some(container) => {
            let place = (project, new.name.as_str(), draft.owner);
            let making = Making::of(container);
            Some(making::begin_for(conn, principal, place, container, &making, Some(&cause))?)
        }
        None => None,
    };
    Ok((project, operation))
}

/// Puts into a new project's timeline how its draft came about, from the first message on, each step caused by the one
/// before it. Answers the last one's id.
fn tell_the_way(
    conn: &mut PgConnection,
    principal: &Principal,
    project: ProjectId,
    draft: &DraftView,
) -> QueryResult<String> {
    const STEPS: [EventType; 4] = [
        EventType::SessionStarted,
        EventType::DraftCreated,
        EventType::SessionClaimed,
        EventType::DraftPosted,
    ];
    let mut steps = match &draft.session_id {
        Some(session) => analytics::first_of(conn, session, &STEPS)?,
        None => Vec::new(),
    };
    if steps.is_empty() {
        steps.push((EventType::DraftCreated, draft.posted_at.unwrap_or(principal.at)));
    }
    let claimed = steps.iter().position(|(step, _)| *step == EventType::SessionClaimed);
    let (mut before, mut last) = (i64::MIN, None::<String>);
    for (number, (step, at)) in steps.into_iter().enumerate() {
        // What one transaction did has one time: its order is kept.
        before = at.timestamp_millis().max(before + 1);
        let (kind, words) = match step {
            EventType::SessionStarted => (ActionType::ConversationBegun, came_by(draft)),
            EventType::SessionClaimed => {
                (ActionType::ConversationClaimed, "It has an account since".to_owned())
            }
            EventType::DraftPosted => (ActionType::DraftPosted, format!("With a score of {}", draft.score)),
            _ => (ActionType::DraftCreated, draft.title.clone()),
        };
        let is_own = claimed.is_none_or(|claimed| number >= claimed);
        let mut action = NewAction::by(principal, project, kind, words)
            .told_later(before, is_own)
            .refers_to("draft_id", draft.id.to_string());
        if let Some(cause) = last {
            action = action.caused_by(cause);
        }
        last = Some(action.id().to_owned());
        track(conn, action);
    }
    Ok(last.unwrap_or_default())
}

fn came_by(draft: &DraftView) -> String {
    match &draft.chain {
        Some(chain) => format!("To the assistant, by the links {chain}"),
        None => "To the assistant".to_owned(),
    }
}
