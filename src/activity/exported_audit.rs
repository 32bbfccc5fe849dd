//! Audit entries with the columns that only admins may read, many at once.

use diesel::prelude::*;

use super::Source;
use super::filter::Filter;
use super::position::TimelineCursor;
use super::timeline::exported::{self, ExportedEntry};
use super::timeline::{Entry, Scope};
use crate::audit::columns::{Columns, Extent, columns_of, weights_of};
use crate::db::batch;

/// `filter`, of audit entries alone.
#[must_use]
pub fn audit_only(filter: &Filter) -> Filter {
    let mut filter = filter.clone();
    filter.sources.only = vec![Source::Audit.as_str().to_owned()];
    filter
}

/// Entries with their columns, and where the next batch begins.
pub type Batch = (Vec<(Entry, Columns)>, Option<TimelineCursor>);

/// [`exported::batch`] of audit entries, with all their columns. For admins: others have no right to them.
pub fn batch(conn: &mut PgConnection, filter: &Filter, before: TimelineCursor) -> QueryResult<Batch> {
    let (mut read, mut next) = exported::batch(conn, Scope::Everything, &audit_only(filter), before)?;
    let weights = weights_of(conn, read.iter().map(|record| record.entry.id().to_owned()).collect())?;
    let weight = |record: &ExportedEntry| weights.get(record.entry.id()).copied().unwrap_or_default();
    let fits = batch::fitting(read.iter().map(weight));
    if fits < read.len() {
        read.truncate(fits);
        next = read.last().map(|record| record.entry.position.clone());
    }
    let ids: Vec<&str> = read.iter().map(|record| record.entry.id()).collect();
    let mut columns = columns_of(conn, &ids, Extent::Whole)?;
    let whole = read.into_iter().map(|ExportedEntry { entry, .. }| {
        let columns = columns.remove(entry.id()).unwrap_or_default();
        (entry, columns)
    });
    Ok((whole.collect(), next))
}
