//! What visitors and users do in a conversation. Each deed holds the session's row, and writes the conversation, the draft
//! and the events together.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Inet, Nullable, Text};
use ipnetwork::IpNetwork;
use serde_json::json;

use super::conversation::{Conversation, MOST_TURNS, SlotEvent};
use super::drafting;
use super::provider::Proposal;
use super::queries::{Row, Session, Whose, session_columns};
use super::record::target;
use super::slots::{Answer, Slot};
use crate::analytics::{self, EventType, Way};
use crate::audit::{self, AuditAction};
use crate::db::SecretHash;
use crate::db::schema::{ai_assistant_sessions as sessions, claim_links};
use crate::db::time::{UtcTime, now};
use crate::identity::Principal;
use crate::referrals::Attribution;

/// The version of what is said before the first message.
pub const NOTICE: &str = "2026-11";

/// Why a deed was not done.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    #[error("there is no conversation")]
    NoSession,
    /// Another message is being answered.
    #[error("one at a time")]
    Busy,
    #[error("the conversation has as many messages as it may have")]
    TooMany,
    #[error(transparent)]
    Query(#[from] diesel::result::Error),
}

diesel::define_sql_function! {
    #[sql_name = "pilothouse.begin_guest"]
    fn begin_guest(hash: Text, session: Text, address: Inet) -> Integer;
}
diesel::define_sql_function! {
    #[sql_name = "pilothouse.keep_guest"]
    fn keep_guest() -> Bool;
}
diesel::define_sql_function! {
    #[sql_name = "pilothouse.forget_guest"]
    fn forget_guest(hash: Text) -> Bool;
}
diesel::define_sql_function! {
    #[sql_name = "pilothouse.claim_guest"]
    fn claim_guest(hash: Text) -> Nullable<Text>;
}

/// Lets a visitor in for a session that is about to begin, as the gate; else the seconds to wait.
pub fn let_in(
    conn: &mut PgConnection,
    hash: &SecretHash,
    session_id: &str,
    address: IpAddr,
) -> QueryResult<Result<(), u64>> {
    let wait: i32 =
        diesel::select(begin_guest(hash.as_str(), session_id, IpNetwork::from(address))).get_result(conn)?;
    Ok(u64::try_from(wait).ok().filter(|seconds| *seconds > 0).map_or(Ok(()), Err))
}

diesel::define_sql_function! {
    #[sql_name = "pilothouse.app_guest_session"]
    fn app_guest_session() -> Nullable<Text>;
}

/// The id that a visitor was let in for.
pub fn own_session_id(conn: &mut PgConnection) -> QueryResult<Option<String>> {
    diesel::select(app_guest_session()).get_result(conn)
}

/// Begins a conversation, with where its notice said that words go.
pub fn begin(
    conn: &mut PgConnection,
    whose: Whose,
    session_id: &str,
    attribution: &Attribution,
    sends_to: Option<&str>,
) -> QueryResult<Session> {
    let conversation = Conversation::begin(NOTICE, sends_to);
    let row: Row = diesel::insert_into(sessions::table)
        .values((
            sessions::session_id.eq(session_id),
            sessions::user_id.eq(whose.user().map(|user| user.0)),
            sessions::session_data.eq(Some(json!(conversation))),
            sessions::developer_ref.eq(attribution.developer_ref.as_deref()),
            sessions::source.eq(attribution.source.as_deref()),
            sessions::attribution_chain.eq(attribution.chain()),
        ))
        .returning(session_columns!())
        .get_result(conn)?;
    let session = Session::from(row);
    let events = [
        (EventType::SessionStarted, None),
        (EventType::SlotAsked, session.conversation.asked.map(Slot::as_str)),
    ];
    analytics::record(conn, &way(&session, None), &events)?;
    Ok(session)
}

/// Adds links that were followed since the conversation began to it and to its draft, unless that was posted.
pub fn follow(conn: &mut PgConnection, session: &mut Session, waiting: &Attribution) -> QueryResult<()> {
    let Some(attribution) = session.attribution.after(waiting) else { return Ok(()) };
    diesel::update(sessions::table.find(session.id))
        .set((
            sessions::developer_ref.eq(&attribution.developer_ref),
            sessions::source.eq(&attribution.source),
            sessions::attribution_chain.eq(attribution.chain()),
        ))
        .execute(conn)?;
    drafting::attribute(conn, &session.session_id, &attribution)?;
    session.attribution = attribution;
    Ok(())
}

fn way(session: &Session, draft: Option<i64>) -> Way<'_> {
    Way {
        session: Some(&session.session_id),
        user: session.user,
        draft,
        score: i32::try_from(session.conversation.slots.score()).ok(),
        attribution: &session.attribution,
    }
}

/// The conversation that goes on, held until the transaction ends. One that somebody else holds is busy.
pub fn hold(conn: &mut PgConnection, whose: Whose) -> Result<Session, TalkError> {
    let known = super::queries::current(conn, whose)?.ok_or(TalkError::NoSession)?;
    let held = sessions::table
        .filter(sessions::id.eq(known.id))
        .filter(sessions::is_active.eq(true))
        .select(session_columns!())
        .for_update()
        .skip_locked()
        .first::<Row>(conn)
        .optional()?
        .ok_or(TalkError::Busy)?;
    Ok(Session::from(held))
}

/// [`hold`] for a new message.
pub fn hold_for_message(conn: &mut PgConnection, whose: Whose) -> Result<Session, TalkError> {
    let session = hold(conn, whose)?;
    if session.is_answering {
        return Err(TalkError::Busy);
    }
    if session.conversation.visitor_turns() >= MOST_TURNS {
        return Err(TalkError::TooMany);
    }
    Ok(session)
}

/// Says that a message of `session` is being answered elsewhere: no other is taken for half a minute.
pub(super) fn answer_later(conn: &mut PgConnection, session: &Session) -> QueryResult<()> {
    let until = diesel::dsl::sql::<Nullable<crate::db::time::Timestamptz>>("now() + interval '30 seconds'");
    diesel::update(sessions::table.filter(sessions::id.eq(session.id)))
        .set(sessions::answering_until.eq(until))
        .execute(conn)
        .map(|_| ())
}

/// Takes in a message and what a provider made of it. `fell_back` says that it was not the one that was asked first.
pub(super) fn take_message(
    conn: &mut PgConnection,
    mut session: Session,
    message: &str,
    proposal: Proposal,
    fell_back: bool,
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let mut events = Vec::new();
    if fell_back {
        events.push((EventType::ProviderFellBack, None));
        session.conversation.fell_back = true;
    }
    events.extend(told(&session.conversation.take(message, proposal, at)));
    save(conn, &mut session, &events, at)
}

/// What somebody does to a slot itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotDeed {
    Edit(Answer),
    Skip,
    AskAgain,
}

pub fn change_slot(
    conn: &mut PgConnection,
    whose: Whose,
    slot: Slot,
    deed: SlotDeed,
    at: DateTime<Utc>,
) -> Result<(), TalkError> {
    let mut session = hold(conn, whose)?;
    if session.is_answering {
        return Err(TalkError::Busy);
    }
    let events = match deed {
        SlotDeed::Edit(answer) => session.conversation.edit(slot, answer, at),
        SlotDeed::Skip => session.conversation.skip(slot, at),
        SlotDeed::AskAgain => session.conversation.ask_again(slot, at),
    };
    save(conn, &mut session, &told(&events), at)?;
    Ok(())
}

fn told(events: &[SlotEvent]) -> Vec<(EventType, Option<&'static str>)> {
    let one = |event: &SlotEvent| match event {
        SlotEvent::Asked(slot) => (EventType::SlotAsked, Some(slot.as_str())),
        SlotEvent::Filled(slot) => (EventType::SlotFilled, Some(slot.as_str())),
        SlotEvent::Corrected(slot) => (EventType::SlotCorrected, Some(slot.as_str())),
        SlotEvent::Skipped(slot) => (EventType::SlotSkipped, Some(slot.as_str())),
    };
    events.iter().map(one).collect()
}

fn save(
    conn: &mut PgConnection,
    session: &mut Session,
    events: &[(EventType, Option<&'static str>)],
    at: DateTime<Utc>,
) -> QueryResult<()> {
    let slots = &session.conversation.slots;
    diesel::update(sessions::table.filter(sessions::id.eq(session.id)))
        .set((
            sessions::session_data.eq(Some(json!(session.conversation))),
            sessions::completion_score.eq(i32::try_from(slots.score()).ok()),
            sessions::current_slot_index.eq(session.conversation.asked.map(Slot::index)),
            sessions::last_activity_at.eq(Some(UtcTime(at.naive_utc()))),
            sessions::updated_at.eq(Some(UtcTime(at.naive_utc()))),
            sessions::answering_until.eq(diesel::dsl::sql("NULL")),
        ))
        .execute(conn)?;
    if session.user.is_none() {
        diesel::select(keep_guest()).get_result::<bool>(conn)?;
    }
    let (draft, is_new) = drafting::follow(conn, session)?;
    let mut events = events.to_vec();
    if is_new {
        events.push((EventType::DraftCreated, None));
    }
    analytics::record(conn, &way(session, draft), &events)
}

/// Deletes everything of a visitor: the conversation and its draft. The secret is worth nothing any more.
pub fn forget_visitor(
    conn: &mut PgConnection,
    principal: &Principal,
    hash: &SecretHash,
) -> Result<(), TalkError> {
    let session = super::queries::current(conn, Whose::Guest)?.ok_or(TalkError::NoSession)?;
    audit::record_change(
        conn,
        principal,
        &AuditAction::ConversationDeleted,
        &target(&session),
        kept(&session),
        json!(null),
    )?;
    if diesel::select(forget_guest(hash.as_str())).get_result(conn)? {
        Ok(())
    } else {
        Err(TalkError::NoSession)
    }
}

/// Deletes what a user said in the conversation that goes on. A draft stays: it has its own page.
pub fn forget(
    conn: &mut PgConnection,
    principal: &Principal,
    whose: Whose,
    at: DateTime<Utc>,
) -> Result<(), TalkError> {
    let session = hold(conn, whose)?;
    let ended = Conversation { ended: Some("deleted".to_owned()), ..Conversation::default() };
    diesel::update(sessions::table.filter(sessions::id.eq(session.id)))
        .set((
            sessions::session_data.eq(Some(json!(ended))),
            sessions::is_active.eq(Some(false)),
            sessions::ended_at.eq(Some(UtcTime(at.naive_utc()))),
            sessions::updated_at.eq(Some(UtcTime(at.naive_utc()))),
        ))
        .execute(conn)?;
    audit::record_change(
        conn,
        principal,
        &AuditAction::ConversationDeleted,
        &target(&session),
        kept(&session),
        json!(null),
    )?;
    Ok(())
}

fn kept(session: &Session) -> serde_json::Value {
    json!({ "messages": session.conversation.turns.len(), "completion_score": session.conversation.slots.score() })
}

/// Makes the session of a visitor's secret, or of a link for another device, the principal's; of several at once one gets it.
pub fn claim(
    conn: &mut PgConnection,
    principal: &Principal,
    hash: &SecretHash,
) -> Result<Session, TalkError> {
    let claimed: Option<String> = diesel::select(claim_guest(hash.as_str())).get_result(conn)?;
    let claimed = claimed.ok_or(TalkError::NoSession)?;
    let session = super::queries::by_session_id(conn, &claimed)?.ok_or(TalkError::NoSession)?;
    let (before, after) = (json!({ "user_id": null }), json!({ "user_id": principal.user }));
    audit::record_change(
        conn,
        principal,
        &AuditAction::ConversationClaimed,
        &target(&session),
        before,
        after,
    )?;
    let draft = drafting::of_session(conn, &session.session_id)?;
    analytics::record(conn, &way(&session, draft), &[(EventType::SessionClaimed, None)])?;
    Ok(session)
}

/// Makes a link for another device, good once within a day, of the conversation that goes on.
pub fn make_claim_link(conn: &mut PgConnection, hash: &SecretHash) -> Result<(), TalkError> {
    let session = super::queries::current(conn, Whose::Guest)?.ok_or(TalkError::NoSession)?;
    diesel::insert_into(claim_links::table)
        .values((claim_links::hash.eq(hash.as_str()), claim_links::session_id.eq(&session.session_id)))
        .execute(conn)?;
    Ok(())
}

/// Says that a visitor went to sign in.
pub fn goes_to_sign_in(conn: &mut PgConnection) -> QueryResult<()> {
    let Some(session) = super::queries::current(conn, Whose::Guest)? else { return Ok(()) };
    analytics::record(conn, &way(&session, None), &[(EventType::SignupStarted, None)])
}

/// Ends conversations without a word for thirty days; answers how many.
pub fn end_silent(conn: &mut PgConnection) -> QueryResult<usize> {
    let silent = diesel::dsl::sql::<Bool>(
        "user_id IS NULL AND is_active AND last_activity_at < timezone('UTC', now()) - interval '30 days'",
    );
    diesel::update(sessions::table.filter(silent))
        .set((
            sessions::is_active.eq(Some(false)),
            sessions::ended_at.eq(diesel::dsl::sql("timezone('UTC', now())")),
            sessions::session_data.eq(diesel::dsl::sql("session_data || '{\"ended\": \"expired\"}'")),
        ))
        .execute(conn)
}

/// Deletes links that nobody used in time, as [`crate::db::Actor::Retention`].
pub fn delete_spent_links(conn: &mut PgConnection) -> QueryResult<usize> {
    diesel::delete(claim_links::table.filter(claim_links::expires_at.lt(now))).execute(conn)
}
