//! Who is credited with a conversation and with what came of it, put right afterwards.

use diesel::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::analytics::funnel;
use crate::assistant::queries;
use crate::assistant::record::target;
use crate::audit::{self, AuditAction};
use crate::db::schema::{
    ai_assistant_sessions as sessions, analytics, crm_outbox, ghl_opportunities, job_drafts,
};
use crate::db::time::now;
use crate::identity::Principal;
use crate::referrals::Attribution;

/// Credits `attribution` with a session, its events, its draft unless that was posted, and its opportunity, here and in the
/// CRM. Answers whether there is such a session.
pub fn correct(
    conn: &mut PgConnection,
    principal: &Principal,
    session: Uuid,
    attribution: &Attribution,
) -> QueryResult<bool> {
    // Whoever posts the draft, and whoever corrects the same, comes before or after all of this.
    let Some(session) = queries::hold(conn, session)? else { return Ok(false) };
    let id = session.session_id.as_str();
    let of_session = job_drafts::table.filter(job_drafts::session_id.eq(id));
    let drafts: Vec<i64> = of_session.select(job_drafts::id).order(job_drafts::id).for_update().load(conn)?;
    let told = |of: &Attribution| json!({ "developer_ref": of.developer_ref, "source": of.source, "attribution_chain": of.chain() });
    let (before, after) = (told(&session.attribution), told(attribution));
    if before == after {
        return Ok(true);
    }
    let (code, source, chain) = (&attribution.developer_ref, &attribution.source, attribution.chain());
    macro_rules! credit {
        ($rows:expr, $table:ident) => {
            diesel::update($rows)
                .set((
                    $table::developer_ref.eq(code),
                    $table::source.eq(source),
                    $table::attribution_chain.eq(&chain),
                ))
                .execute(conn)?
        };
    }
    credit!(sessions::table.find(session.id), sessions);
    credit!(analytics::table.filter(analytics::session_id.eq(id)), analytics);
    credit!(ghl_opportunities::table.filter(ghl_opportunities::session_id.eq(id)), ghl_opportunities);
    let unposted =
        of_session.filter(job_drafts::posted_at.is_null()).filter(job_drafts::public_status.eq("draft"));
    credit!(unposted, job_drafts);
    let told_already = crm_outbox::table.filter(crm_outbox::draft_id.eq_any(drafts));
    diesel::update(told_already)
        .set((
            crm_outbox::correction.eq(Some(&after)),
            crm_outbox::corrected_at.eq(now.nullable()),
            crm_outbox::attempts.eq(diesel::dsl::sql("CASE WHEN state = 'sent' THEN 0 ELSE attempts END")),
            crm_outbox::retry_at
                .eq(diesel::dsl::sql("CASE WHEN state = 'sent' THEN now() ELSE retry_at END")),
        ))
        .execute(conn)?;
    funnel::count_again(conn, id)?;
    let corrected = AuditAction::AttributionCorrected;
    audit::record_change(conn, principal, &corrected, &target(&session), before, after)?;
    Ok(true)
}
