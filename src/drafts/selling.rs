//! Posted drafts become opportunities in the CRM, each exactly once.
//!
//! Before one is asked for, the row says `sending`. An answer that leaves open what was done, and a process that died, leave
//! `unknown` or `sending`: whoever takes such a row looks the opportunity up before asking again.

use std::time::Duration;

use diesel::dsl::IntervalDsl;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use serde_json::Value;
use uuid::Uuid;

use super::queries::{self, DraftView};
use crate::analytics::{self, EventType};
use crate::crm::{Contact, Crm, CrmError, Opportunity};
use crate::db::schema::{crm_outbox, ghl_opportunities, job_drafts, users};
use crate::db::time::{from_now, now};
use crate::db::{Actor, Db, DbError};

/// How often one is tried before it waits for a person.
const MOST_ATTEMPTS: i32 = 12;
/// Whoever sends has so long before somebody else takes it over: more than three calls may take.
const LEASE: Duration = Duration::from_mins(2);
/// An opportunity that was just made may not be found at once.
const SETTLES: Duration = Duration::from_secs(15);

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is due.
    Idle,
    /// One got on, or waits for something of its own.
    Worked,
    /// The CRM takes nothing for so long.
    Paused(Duration),
}

struct Taken {
    id: Uuid,
    attempts: i32,
    /// Whether it may have been made already.
    is_open: bool,
    draft: DraftView,
    contact: Contact,
    opportunity: Opportunity,
}

/// Sends what has been due the longest.
pub fn send_next(db: &Db, crm: &dyn Crm) -> Result<Turn, DbError> {
    let Some(taken) = db.write_blocking(&Actor::System, |conn| Ok::<_, DbError>(take(conn)?))? else {
        return Ok(Turn::Idle);
    };
    let sent = send(db, crm, &taken)?;
    db.write_blocking(&Actor::System, |conn| Ok::<_, DbError>(settle(conn, &taken, &sent)?))?;
    Ok(match sent {
        Err(CrmError::Later { after: Some(pause), .. }) => Turn::Paused(pause),
        _ => Turn::Worked,
    })
}

/// Answers the ids of contact and opportunity.
fn send(db: &Db, crm: &dyn Crm, taken: &Taken) -> Result<Result<(String, String), CrmError>, DbError> {
    let contact = match crm.upsert_contact(&taken.contact) {
        Ok(contact) => contact,
        // Twice is once: it can simply be asked again.
        Err(CrmError::Unclear(reason)) => return Ok(Err(CrmError::Later { reason, after: None })),
        Err(error) => return Ok(Err(error)),
    };
    if taken.is_open {
        match crm.find(&contact, &taken.opportunity) {
            Ok(Some(found)) => return Ok(Ok((contact, found))),
            Ok(None) => {}
            // What is open stays open.
            Err(CrmError::Later { reason, .. }) => return Ok(Err(CrmError::Unclear(reason))),
            Err(error) => return Ok(Err(error)),
        }
    }
    db.write_blocking(&Actor::System, |conn| Ok::<_, DbError>(note_sending(conn, taken, &contact)?))?;
    Ok(crm.create(&contact, &taken.opportunity).map(|id| (contact, id)))
}

fn take(conn: &mut PgConnection) -> QueryResult<Option<Taken>> {
    let due = diesel::dsl::sql::<Bool>("crm_outbox.state IN ('pending', 'sending', 'unknown')");
    let found: Option<(Uuid, i64, String, i32)> = crm_outbox::table
        .filter(due.and(crm_outbox::retry_at.le(now)))
        .order((crm_outbox::retry_at, crm_outbox::id))
        .select((crm_outbox::id, crm_outbox::draft_id, crm_outbox::state, crm_outbox::attempts))
        .for_update()
        .skip_locked()
        .first(conn)
        .optional()?;
    let Some((id, draft, state, attempts)) = found else { return Ok(None) };
    diesel::update(crm_outbox::table.find(id))
        .set((
            crm_outbox::attempts.eq(attempts + 1),
            crm_outbox::retry_at.eq(from_now(seconds(LEASE).seconds())),
        ))
        .execute(conn)?;
    let Some(draft) = queries::find(conn, draft)? else { return Ok(None) };
    let person: Option<(String, Option<String>)> = match draft.owner {
        Some(owner) => {
            users::table.find(owner.0).select((users::email, users::name)).first(conn).optional()?
        }
        None => None,
    };
    let (email, name) = person.unwrap_or_default();
    Ok(Some(Taken {
        id,
        attempts: attempts + 1,
        is_open: state != "pending",
        contact: Contact {
            name: plain(&name.unwrap_or_else(|| email.clone())),
            email,
            source: draft.source.clone(),
        },
        opportunity: Opportunity {
            key: id.to_string(),
            name: format!("{} (draft {})", plain(&draft.title), draft.id),
            value: draft.budget.get("min").and_then(Value::as_f64),
            source: draft.chain.clone().or_else(|| draft.source.clone()),
        },
        draft,
    }))
}

/// A line of text that no other program takes for anything else.
fn plain(text: &str) -> String {
    let words: String =
        text.chars().map(|c| if c.is_control() || matches!(c, '<' | '>') { ' ' } else { c }).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

fn seconds(length: Duration) -> i64 {
    i64::try_from(length.as_secs()).unwrap_or(i64::MAX).min(86_400)
}

fn note_sending(conn: &mut PgConnection, taken: &Taken, contact: &str) -> QueryResult<()> {
    diesel::update(crm_outbox::table.find(taken.id))
        .set((
            crm_outbox::state.eq("sending"),
            crm_outbox::contact_id.eq(contact),
            crm_outbox::changed_at.eq(now),
        ))
        .execute(conn)
        .map(|_| ())
}

fn settle(
    conn: &mut PgConnection,
    taken: &Taken,
    sent: &Result<(String, String), CrmError>,
) -> QueryResult<()> {
    let (contact, opportunity) = match sent {
        Ok(ids) => ids,
        Err(error) => return settle_failure(conn, taken, error),
    };
    let settled = diesel::update(crm_outbox::table.find(taken.id).filter(crm_outbox::state.ne("sent")))
        .set((
            crm_outbox::state.eq("sent"),
            crm_outbox::contact_id.eq(contact),
            crm_outbox::opportunity_id.eq(opportunity),
            crm_outbox::last_error.eq(None::<String>),
            crm_outbox::changed_at.eq(now),
        ))
        .execute(conn)?;
    if settled == 0 {
        return Ok(());
    }
    let draft = &taken.draft;
    let value = taken.opportunity.value.map(|value| value.to_string()).unwrap_or_default();
    diesel::insert_into(ghl_opportunities::table)
        .values((
            ghl_opportunities::ghl_opportunity_id.eq(opportunity),
            ghl_opportunities::name.eq(taken.opportunity.name.chars().take(255).collect::<String>()),
            ghl_opportunities::status.eq("open"),
            ghl_opportunities::monetary_value
                .eq(diesel::dsl::sql("nullif(").bind::<Text, _>(value).sql(", '')::numeric")),
            ghl_opportunities::developer_ref.eq(&draft.developer_ref),
            ghl_opportunities::source.eq(&draft.source),
            ghl_opportunities::job_draft_id.eq(draft.id),
            ghl_opportunities::session_id.eq(&draft.session_id),
            ghl_opportunities::attribution_chain.eq(&draft.chain),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    diesel::update(job_drafts::table.find(draft.id))
        .set(job_drafts::ghl_opportunity_id.eq(opportunity))
        .execute(conn)?;
    let attribution = super::commands::attribution(draft);
    analytics::record(conn, &super::commands::way(draft, &attribution), &[(EventType::OpportunitySent, None)])
}

fn settle_failure(conn: &mut PgConnection, taken: &Taken, error: &CrmError) -> QueryResult<()> {
    let is_spent = taken.attempts >= MOST_ATTEMPTS;
    // 15, 30, 60 s and on, up to an hour.
    let doubled = Duration::from_secs(15 << u32::try_from(taken.attempts - 1).unwrap_or(0).min(8));
    let pause = doubled.min(Duration::from_hours(1));
    let (state, attempts, pause) = match error {
        // Patience that it asks for is no attempt. It did nothing, so what was closed before is closed.
        CrmError::Later { after: Some(pause), .. } => {
            (if taken.is_open { "unknown" } else { "pending" }, taken.attempts - 1, *pause)
        }
        CrmError::NeedsPerson(_) => ("parked", taken.attempts, pause),
        _ if is_spent => ("dead", taken.attempts, pause),
        CrmError::Later { after: None, .. } => {
            (if taken.is_open { "unknown" } else { "pending" }, taken.attempts, pause)
        }
        CrmError::Unclear(_) => ("unknown", taken.attempts, pause.max(SETTLES)),
    };
    diesel::update(crm_outbox::table.find(taken.id).filter(crm_outbox::state.ne("sent")))
        .set((
            crm_outbox::state.eq(state),
            crm_outbox::attempts.eq(attempts),
            crm_outbox::last_error.eq(error.to_string().chars().take(500).collect::<String>()),
            crm_outbox::retry_at.eq(from_now(seconds(pause).max(1).seconds())),
            crm_outbox::changed_at.eq(now),
        ))
        .execute(conn)
        .map(|_| ())
}
