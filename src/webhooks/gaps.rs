//! Pushes that were not delivered: one that does not begin where the one before it ended leaves a gap, until what lies
//! between comes late.

use diesel::prelude::*;

use crate::db::ids::{DeliveryId, WebhookId};
use crate::db::schema::deliveries;

/// Where a push led a branch or tag from and to. Of one that begins or ends there, the other is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step<'a> {
    pub git_ref: &'a str,
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
}

/// Notes where a push stands among those of its branch. Answers where the one before it ended, when there is a gap.
pub(super) fn note(
    conn: &mut PgConnection,
    webhook: WebhookId,
    delivery: DeliveryId,
    step: &Step<'_>,
) -> QueryResult<Option<String>> {
    let of_ref = || {
        deliveries::table
            .filter(deliveries::webhook_id.eq(webhook))
            .filter(deliveries::git_ref.eq(step.git_ref))
            .filter(deliveries::id.ne(delivery))
            .order((deliveries::ended_at.desc(), deliveries::id.desc()))
    };
    let gap: Option<(DeliveryId, Option<String>, Option<String>)> = of_ref()
        .filter(deliveries::gap_from.is_not_null())
        .select((deliveries::id, deliveries::gap_from, deliveries::before_sha))
        .first(conn)
        .optional()?;
    if let (Some((open, from, before)), Some(own_before), Some(own_after)) = (gap, step.before, step.after)
        && from.as_deref() == Some(own_before)
    {
        // It comes late, and stands within the gap: the branch's end is where it was.
        let is_closed = before.as_deref() == Some(own_after);
        let left = (!is_closed).then_some(own_after);
        diesel::update(deliveries::table.find(open)).set(deliveries::gap_from.eq(left)).execute(conn)?;
        diesel::update(deliveries::table.find(delivery))
            .set((deliveries::before_sha.eq(step.before), deliveries::after_sha.eq(step.after)))
            .execute(conn)?;
        return Ok(None);
    }
    let last: Option<Option<String>> = of_ref().select(deliveries::after_sha).first(conn).optional()?;
    let missed = match (last.flatten(), step.before) {
        (Some(last), Some(before)) if last != before => Some(last),
        _ => None,
    };
    diesel::update(deliveries::table.find(delivery))
        .set((
            deliveries::git_ref.eq(Some(step.git_ref)),
            deliveries::before_sha.eq(step.before),
            deliveries::after_sha.eq(step.after),
            deliveries::gap_from.eq(missed.as_deref()),
        ))
        .execute(conn)?;
    Ok(missed)
}
