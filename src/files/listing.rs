//! What a directory holds: one statement a page, whatever lies below.
//!
//! It looks at no more than [`LOOKED_AT`] files below the directory, in the order of their paths. When there
//! are more, the page says so and the next look begins where this one ended, at a file or behind a directory.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Uuid};

use super::Directory;
use crate::db::cursor::{Page, PageStart};
use crate::db::ids::{ContainerId, FileId};
use crate::db::spelling::containing;
use crate::db::statement::Statement;
use crate::db::time::Timestamptz;

/// A look takes in so many files.
pub const LOOKED_AT: i64 = 10_000;

/// What the entries are ordered by. Directories come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Name,
    /// The last changed first.
    Changed,
    /// The largest first.
    Size,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ask {
    pub directory: Directory,
    /// Part of a path: then every file below that holds it is listed, and no directory.
    pub text: Option<String>,
    /// Whether deleted files are shown too.
    pub with_deleted: bool,
    /// The order.
    pub sort: Sort,
    /// Where the look begins: the first path.
    pub from_path: Option<String>,
}

/// A file or a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file's row; of a directory one of its files', to tell it apart.
    pub id: FileId,
    /// What it is called: below the directory that is shown, for a file that was searched for.
    pub name: String,
    pub is_directory: bool,
    /// How many files a directory holds.
    pub files: i64,
    /// Bytes; of a directory those of all its files. Unknown and negative sizes count nothing.
    pub size: Option<i64>,
    pub media_type: Option<String>,
    /// When it, or the last file in it, was changed.
    pub changed_at: Option<DateTime<Utc>>,
    /// Whether the file, or every file in the directory, is deleted.
    pub is_deleted: bool,
}

/// A page of what a directory holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The entries.
    pub page: Page<Entry>,
    /// Files that were looked at, deleted ones aside.
    pub files: i64,
    /// Their bytes.
    pub size: i64,
    /// Deleted files that were looked at.
    pub deleted: i64,
    /// Where the next look begins, when there are more files than one takes in.
    pub next_path: Option<String>,
    /// Whether the position that was asked for is none of this list.
    pub is_lost: bool,
}

type EntryRow = (Uuid, Text, Bool, BigInt, Nullable<BigInt>, Nullable<Text>, Nullable<Timestamptz>, Bool);
type Row = (BigInt, BigInt, BigInt, Nullable<Text>, Bool, Nullable<EntryRow>);
type StoredEntry = (uuid::Uuid, String, bool, i64, Option<i64>, Option<String>, Option<DateTime<Utc>>, bool);
type Stored = (i64, i64, i64, Option<String>, bool, Option<StoredEntry>);

/// The statement of [`page`]. Positions are the ids of entries: their place is found in the list itself.
#[must_use]
pub fn statement(
    container: ContainerId,
    ask: &Ask,
    from: &PageStart<FileId>,
    limit: usize,
) -> Statement<Row> {
    let prefix = ask.directory.prefix();
    let mut s = Statement::new();
    s.sql("WITH seen AS MATERIALIZED (SELECT * FROM ((");
    columns(&mut s, prefix)
        .sql(" FROM file_storage WHERE octet_length(file_path) <= 2000 AND container_id = ");
    s.text(container.to_string()).sql("::uuid");
    if let Some(start) = ask.from_path.as_deref().or((!prefix.is_empty()).then_some(prefix)) {
        s.sql(" AND file_path COLLATE \"C\" >= ").text(start);
    }
    if let Some(end) = ask.directory.end() {
        s.sql(" AND file_path COLLATE \"C\" < ").text(end);
    }
    s.sql(" ORDER BY file_path COLLATE \"C\", id LIMIT 10001)");
    if ask.from_path.is_none() {
        s.sql(" UNION ALL (");
        columns(&mut s, prefix)
            .sql(" FROM file_storage WHERE octet_length(file_path) > 2000 AND container_id = ");
        s.text(container.to_string())
            .sql("::uuid AND starts_with(file_path, ")
            .text(prefix)
            .sql(") LIMIT 1000)");
    }
    s.sql(") f), last AS (SELECT path FROM seen WHERE octet_length(path) <= 2000 \
           ORDER BY path COLLATE \"C\" DESC LIMIT 1), cut AS (SELECT path FROM last WHERE \
           (SELECT count(*) FROM seen WHERE octet_length(path) <= 2000) > 10000), entries AS (SELECT (array_agg(id ORDER BY id))[1] AS id, name, is_directory, count(*) AS files, \
           LEAST(sum(GREATEST(size, 0)), 9223372036854775807)::bigint AS size, max(media_type) AS media_type, \
           max(changed_at) AS changed_at, bool_and(is_deleted) AS is_deleted FROM (SELECT *, ");
    if ask.text.is_some() {
        s.sql("false AS is_directory, rest AS name FROM seen");
    } else {
        s.sql("position('/' IN rest) > 0 AS is_directory, split_part(rest, '/', 1) AS name FROM seen");
    }
    // The look ends before the file that showed that there are more: the next one begins with it.
    s.sql(") n WHERE NOT EXISTS (SELECT 1 FROM cut WHERE cut.path = n.path AND NOT n.is_directory) AND ");
    s.sql(if ask.with_deleted { "true" } else { "NOT is_deleted" });
    if let Some(text) = &ask.text {
        s.sql(" AND name ILIKE ANY (").texts(containing(text)).sql(")");
    }
    s.sql(
        " GROUP BY is_directory, name, CASE WHEN is_directory THEN NULL ELSE id END), \
           placed AS (SELECT *, row_number() OVER (ORDER BY is_directory DESC, ",
    );
    s.sql(match ask.sort {
        Sort::Name => "",
        Sort::Changed => "changed_at DESC NULLS LAST, ",
        Sort::Size => "size DESC NULLS LAST, ",
    });
    s.sql("lower(name), name COLLATE \"C\", id) AS place FROM entries), page AS (SELECT * FROM placed WHERE place ");
    match from {
        PageStart::Start => s.sql("> 0 ORDER BY place LIMIT "),
        PageStart::Beyond(id) => place(&mut s, "> ", *id).sql(" ORDER BY place LIMIT "),
        PageStart::Back(id) => place(&mut s, "< ", *id).sql(" ORDER BY place DESC LIMIT "),
    };
    s.big(i64::try_from(limit + 1).unwrap_or(i64::MAX));
    s.sql(") SELECT t.files, t.size, t.deleted, cut.path, ");
    match from {
        PageStart::Start => s.sql("false"),
        PageStart::Beyond(id) | PageStart::Back(id) => {
            s.sql("NOT EXISTS (SELECT 1 FROM placed WHERE id = ").text(id.to_string()).sql("::uuid)")
        }
    };
    s.sql(", p.id, p.name, p.is_directory, p.files, p.size, p.media_type, p.changed_at, p.is_deleted FROM \
           (SELECT count(*) FILTER (WHERE NOT is_deleted) AS files, \
           count(*) FILTER (WHERE is_deleted) AS deleted, \
           LEAST(coalesce(sum(GREATEST(size, 0)) FILTER (WHERE NOT is_deleted), 0), 9223372036854775807)::bigint AS size \
           FROM seen) t LEFT JOIN cut ON true LEFT JOIN page p ON true ORDER BY p.place");
    s
}

fn columns<'a>(s: &'a mut Statement<Row>, prefix: &str) -> &'a mut Statement<Row> {
    let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
    s.sql("SELECT id, file_path AS path, substr(file_path, ").big(length + 1);
    s.sql(
        "::int) AS rest, file_size AS size, mime_type::text AS media_type, \
           coalesce(updated_at, created_at) AS changed_at, coalesce(is_deleted, false) AS is_deleted",
    )
}

fn place<'a>(s: &'a mut Statement<Row>, is: &'static str, id: FileId) -> &'a mut Statement<Row> {
    s.sql(is).sql("(SELECT place FROM placed WHERE id = ").text(id.to_string()).sql("::uuid)")
}

/// A page of what a directory of the container holds.
pub fn page(
    conn: &mut PgConnection,
    container: ContainerId,
    ask: &Ask,
    from: &PageStart<FileId>,
    limit: usize,
) -> QueryResult<Listing> {
    let mut rows: Vec<Stored> = statement(container, ask, from, limit).load(conn)?;
    if matches!(from, PageStart::Back(_)) {
        rows.reverse();
    }
    let (files, size, deleted, last, is_lost, _) = rows.first().cloned().unwrap_or_default();
    let entries: Vec<Entry> = rows.into_iter().filter_map(|row| row.5.map(entry)).collect();
    Ok(Listing {
        page: Page::of(entries, limit, from),
        files,
        size,
        deleted,
        next_path: last.map(|path| if ask.text.is_some() { path } else { next_look(&ask.directory, &path) }),
        is_lost,
    })
}

/// Where the look after one that ended at `last` begins: behind the directory that it ended in, because that
/// one is listed already, and a directory of its own to open; or at the file itself.
fn next_look(directory: &Directory, last: &str) -> String {
    let rest = last.strip_prefix(directory.prefix()).unwrap_or_default();
    match rest.split_once('/') {
        Some((name, _)) => directory.child(name).end().unwrap_or_default(),
        None => last.to_owned(),
    }
}

fn entry(row: StoredEntry) -> Entry {
    let (id, name, is_directory, files, size, media_type, changed_at, is_deleted) = row;
    Entry { id: FileId(id), name, is_directory, files, size, media_type, changed_at, is_deleted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_goes_on_behind_the_directory_that_it_ended_in() {
        let root = Directory::root();
        assert_eq!(next_look(&root, "src/app/x.ts"), "src0");
        assert_eq!(next_look(&Directory::new("src"), "src/app/x.ts"), "src/app0");
        assert_eq!(next_look(&Directory::new("src/app"), "src/app/x.ts"), "src/app/x.ts");
        assert_eq!(next_look(&root, "/etc/passwd"), "0");
    }
}
