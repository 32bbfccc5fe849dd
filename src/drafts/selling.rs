//! Posted drafts become opportunities in the CRM, each exactly once.
//!
//! Before one is asked for, the row says `sending`. An answer that leaves open what was done, and a process that died, leave
//! `unknown` or `sending`: whoever takes such a row looks the opportunity up before asking again. What is corrected after it
//! was sent is told again, as often as it takes: the same correction twice is once.

use std::time::Duration;

use chrono::{DateTime, Utc};
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
    /// What the CRM calls it, where it is there and has to be corrected.
    known: Option<String>,
    corrected_at: Option<DateTime<Utc>>,
    draft: DraftView,
    contact: Contact,
    opportunity: Opportunity,
}

#[derive(Queryable)]
struct Due {
    id: Uuid,
    draft: i64,
    state: String,
    attempts: i32,
    opportunity: Option<String>,
    asked_name: Option<String>,
    correction: Option<Value>,
    corrected_at: Option<DateTime<Utc>>,
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
    if let Some(known) = &taken.known {
        return Ok(crm.update(known, &taken.opportunity).map(|()| (contact, known.clone())));
    }
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
    let due = diesel::dsl::sql::<Bool>(
        "(crm_outbox.state IN ('pending', 'sending', 'unknown') \
          OR crm_outbox.state = 'sent' AND crm_outbox.corrected_at IS NOT NULL AND crm_outbox.opportunity_id IS NOT NULL)",
    );
    let found: Option<Due> = crm_outbox::table
        .filter(due.and(crm_outbox::retry_at.le(now)))
        .order((crm_outbox::retry_at, crm_outbox::id))
        .select((
            crm_outbox::id,
            crm_outbox::draft_id,
            crm_outbox::state,
            crm_outbox::attempts,
            crm_outbox::opportunity_id,
            crm_outbox::asked_name,
            crm_outbox::correction,
            crm_outbox::corrected_at,
        ))
        .for_update()
        .skip_locked()
        .first(conn)
        .optional()?;
    let Some(Due { id, draft, state, attempts, opportunity, asked_name, correction, corrected_at }) = found
    else {
        return Ok(None);
    };
    // What was not asked for yet is asked for as it is now.
    let corrected_at = corrected_at.filter(|_| state != "pending");
    diesel::update(crm_outbox::table.find(id))
        .set((
            crm_outbox::attempts.eq(attempts + 1),
            crm_outbox::retry_at.eq(from_now(seconds(LEASE).seconds())),
            crm_outbox::corrected_at.eq(corrected_at),
        ))
        .execute(conn)?;
    let Some(mut draft) = queries::find(conn, draft)? else { return Ok(None) };
    if let Some(correction) = correction {
        let text = |name: &str| correction[name].as_str().map(str::to_owned);
        draft.developer_ref = text("developer_ref");
        draft.source = text("source");
        draft.chain = text("attribution_chain");
    }
    let is_open = matches!(state.as_str(), "sending" | "unknown");
    // It is looked up by the name that it was asked for.
    let title = format!("{} (draft {})", plain(&draft.title), draft.id);
    let asked_as = asked_name.filter(|_| is_open).unwrap_or(title);
    let person: Option<(String, Option<String>)> = match draft.owner {
        Some(owner) => {
            users::table.find(owner.0).select((users::email, users::name)).first(conn).optional()?
        }
        None => None,
    };
    let (email, name) = person.unwrap_or_default();
    let known = opportunity.filter(|_| state == "sent");
    Ok(Some(Taken {
        id,
        attempts: attempts + 1,
        is_open,
        corrected_at,
        contact: Contact {
            name: plain(&name.unwrap_or_else(|| email.clone())),
            email,
            source: draft.source.clone().or_else(|| known.is_some().then(String::new)),
        },
        known,
        opportunity: Opportunity {
            key: id.to_string(),
            name: asked_as,
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
            crm_outbox::asked_name.eq(&taken.opportunity.name),
            crm_outbox::changed_at.eq(now),
        ))
        .execute(conn)
        .map(|_| ())
}

/// As the column has it.
macro_rules! recorded_value {
    ($taken:ident) => {
        diesel::dsl::sql("nullif(")
            .bind::<Text, _>($taken.opportunity.value.map(|value| value.to_string()).unwrap_or_default())
            .sql(", '')::numeric")
    };
}

/// The CRM knows what was to be corrected. What was changed meanwhile is told next.
fn settle_correction(conn: &mut PgConnection, taken: &Taken) -> QueryResult<()> {
    let row = crm_outbox::table.find(taken.id);
    diesel::update(row)
        .set((crm_outbox::last_error.eq(None::<String>), crm_outbox::changed_at.eq(now)))
        .execute(conn)?;
    let is_newest = diesel::update(row.filter(crm_outbox::corrected_at.eq(taken.corrected_at)))
        .set(crm_outbox::corrected_at.eq(None::<DateTime<Utc>>))
        .execute(conn)?
        == 1;
    let draft = &taken.draft;
    let recorded = ghl_opportunities::table.filter(ghl_opportunities::job_draft_id.eq(draft.id));
    if is_newest {
        diesel::update(recorded)
            .set((
                ghl_opportunities::developer_ref.eq(&draft.developer_ref),
                ghl_opportunities::source.eq(&draft.source),
                ghl_opportunities::attribution_chain.eq(&draft.chain),
            ))
            .execute(conn)?;
    }
    diesel::update(recorded)
        .set((
            ghl_opportunities::name.eq(recorded_name(taken)),
            ghl_opportunities::monetary_value.eq(recorded_value!(taken)),
            ghl_opportunities::updated_at.eq(now.nullable()),
        ))
        .execute(conn)
        .map(|_| ())
}

fn recorded_name(taken: &Taken) -> String {
    taken.opportunity.name.chars().take(255).collect()
}

fn settle(
    conn: &mut PgConnection,
    taken: &Taken,
    sent: &Result<(String, String), CrmError>,
) -> QueryResult<()> {
    // Whoever changes a draft holds it before its row here.
    queries::hold(conn, taken.draft.id)?;
    let (contact, opportunity) = match sent {
        Ok(ids) => ids,
        Err(error) => return settle_failure(conn, taken, error),
    };
    if taken.known.is_some() {
        return settle_correction(conn, taken);
    }
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
    diesel::insert_into(ghl_opportunities::table)
        .values((
            ghl_opportunities::ghl_opportunity_id.eq(opportunity),
            ghl_opportunities::name.eq(recorded_name(taken)),
            ghl_opportunities::status.eq("open"),
            ghl_opportunities::monetary_value.eq(recorded_value!(taken)),
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
    // It did nothing, or nothing that can't be done again, so what was closed before is closed.
    let as_before = match (&taken.known, taken.is_open) {
        (Some(_), _) => "sent",
        (None, true) => "unknown",
        (None, false) => "pending",
    };
    let (state, attempts, pause) = match error {
        // Patience that it asks for is no attempt.
        CrmError::Later { after: Some(pause), .. } => (as_before, taken.attempts - 1, *pause),
        CrmError::NeedsPerson(_) => ("parked", taken.attempts, pause),
        _ if is_spent => ("dead", taken.attempts, pause),
        CrmError::Later { after: None, .. } => (as_before, taken.attempts, pause),
        CrmError::Unclear(_) if taken.known.is_some() => (as_before, taken.attempts, pause.max(SETTLES)),
        CrmError::Unclear(_) => ("unknown", taken.attempts, pause.max(SETTLES)),
    };
    // Somebody else may have sent it meanwhile.
    let over = if taken.known.is_some() { "" } else { "sent" };
    diesel::update(crm_outbox::table.find(taken.id).filter(crm_outbox::state.ne(over)))
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
