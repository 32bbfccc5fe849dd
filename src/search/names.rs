//! Projects, containers and users by name.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Uuid as SqlUuid};

use super::{Found, Kind, MOST, Target};
use crate::db::ids::{ContainerId, ProjectId, UserId};
use crate::db::spelling::{containing_exactly, spellings};
use crate::db::statement::Statement;
use crate::users::address_spellings;

/// Names that hold the text anywhere are looked for in so many of the newest rows; beyond them a name has to
/// begin with it, which an index answers.
const NEWEST: i64 = 5_000;
/// From so many characters on, a text is tried as the beginning of the engine's id of a container.
const SHORTEST_ENGINE_ID: usize = 6;
/// What a full line of the engine's list shows of an id: nobody types that by chance.
const ENGINE_ID_SHOWN: usize = 12;

type Row = (SqlUuid, Text, Text, Bool);

/// The statement that finds things of `kind` by name: id, name, note, and whether the text is its id.
/// Files, entries and references have no names.
#[must_use]
pub fn statement_for(kind: Kind, text: &str) -> Option<Statement<Row>> {
    let parts = match kind {
        Kind::Project => Parts {
            newest: "SELECT t.id, t.name, t.description AS also FROM public.projects t ORDER BY t.created_at DESC, t.id DESC",
            begins: &[("public.projects", "t.name")],
            show: "SELECT t.id, t.name, concat_ws(', ', NULLIF(t.status, 'active'), coalesce(NULLIF(u.name, ''), u.email)), false \
                   FROM found JOIN public.projects t ON t.id = found.id LEFT JOIN public.users u ON u.id = t.user_id \
                   ORDER BY (t.status = 'deleted') NULLS FIRST, lower(t.name), t.id",
        },
        Kind::Container => Parts {
            newest: "SELECT t.id, t.name, t.image_name AS also FROM public.containers t ORDER BY t.created_at DESC, t.id DESC",
            begins: &[("public.containers", "t.name")],
            show: "SELECT t.id, t.name, t.status, false FROM found JOIN public.containers t ON t.id = found.id \
                   ORDER BY lower(t.name), t.id",
        },
        Kind::User => Parts {
            newest: "SELECT t.id, t.name, t.email AS also FROM public.users t ORDER BY t.created_at DESC, t.id DESC",
            begins: &[("public.users", "t.name"), ("public.users", "t.email")],
            show: "SELECT t.id, coalesce(NULLIF(t.name, ''), t.email), t.email, false FROM found JOIN public.users t ON t.id = found.id \
                   ORDER BY lower(t.email), t.id",
        },
        Kind::File | Kind::Entry | Kind::Reference => return None,
    };
    Some(parts.statement(&if kind == Kind::User { address_spellings(text) } else { spellings(text) }))
}

/// What differs between the kinds.
struct Parts {
    /// The newest rows: id, name, and what else may hold the text.
    newest: &'static str,
    /// Tables and columns whose beginnings are looked for.
    begins: &'static [(&'static str, &'static str)],
    /// The rows of `found`.
    show: &'static str,
}

impl Parts {
    fn statement(&self, texts: &[String]) -> Statement<Row> {
        let limit = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
        let mut statement = Statement::new();
        statement.sql("WITH found AS ((SELECT n.id FROM (").sql(self.newest).sql(" LIMIT ").big(NEWEST);
        let patterns: Vec<String> = texts.iter().map(|text| containing_exactly(text)).collect();
        statement.sql(") n WHERE n.name ILIKE ANY (").texts(patterns.clone());
        statement.sql(") OR n.also ILIKE ANY (").texts(patterns).sql(") LIMIT ").big(limit).sql(")");
        let begins = |text| self.begins.iter().map(move |place| (place, text));
        for ((table, column), text) in texts.iter().flat_map(begins) {
            statement.sql(" UNION (SELECT t.id FROM ").sql(table).sql(" t WHERE lower(").sql(column);
            statement.sql(") ~>=~ lower(").text(text.as_str()).sql(") AND lower(").sql(column);
            // No character sorts after the last one. The order is the index's own.
            statement
                .sql(") ~<~ (lower(")
                .text(text.as_str())
                .sql(") || chr(1114111)) ORDER BY lower(")
                .sql(column);
            statement.sql(") USING ~<~ LIMIT ").big(limit).sql(")");
        }
        statement.sql(" LIMIT ").big(limit).sql(") ").sql(self.show);
        statement
    }
}

fn rows<I>(
    conn: &mut PgConnection,
    kind: Kind,
    text: &str,
    target: impl Fn(I) -> Target,
) -> QueryResult<Vec<Found>>
where
    I: diesel::deserialize::FromSqlRow<SqlUuid, diesel::pg::Pg> + 'static,
    (I, String, String, bool): diesel::deserialize::FromSqlRow<Row, diesel::pg::Pg>,
{
    let Some(statement) = statement_for(kind, text) else { return Ok(Vec::new()) };
    let rows: Vec<(I, String, String, bool)> = statement.load(conn)?;
    let found = |(id, label, note, is_meant)| Found { kind, target: target(id), label, note, is_meant };
    Ok(rows.into_iter().map(found).collect())
}

/// Projects whose name or description holds `text`, the deleted last.
pub(super) fn projects(conn: &mut PgConnection, text: &str) -> QueryResult<Vec<Found>> {
    rows::<ProjectId>(conn, Kind::Project, text, Target::Project)
}

/// Containers whose name or image holds `text`, and those whose id in the engine begins with it.
pub(super) fn containers(conn: &mut PgConnection, text: &str) -> QueryResult<Vec<Found>> {
    let mut found = Vec::new();
    let length = text.chars().count();
    if (SHORTEST_ENGINE_ID..=255).contains(&length) {
        let mut statement = Statement::<Row>::new();
        statement.sql("SELECT c.id, c.name, c.status, ");
        statement.sql(if length >= ENGINE_ID_SHOWN { "true" } else { "false" });
        statement.sql(" FROM public.containers c WHERE c.container_id ~>=~ ").text(text);
        statement.sql(" AND c.container_id ~<~ ").text(format!("{text}{}", char::MAX)).sql(" LIMIT 11");
        let rows: Vec<(ContainerId, String, String, bool)> = statement.load(conn)?;
        found.extend(rows.into_iter().map(|(id, label, note, is_meant)| Found {
            kind: Kind::Container,
            target: Target::Container(id),
            label,
            note,
            is_meant,
        }));
    }
    found.extend(rows::<ContainerId>(conn, Kind::Container, text, Target::Container)?);
    Ok(found)
}

/// Users whose name or address holds `text`.
pub(super) fn users(conn: &mut PgConnection, text: &str) -> QueryResult<Vec<Found>> {
    rows::<UserId>(conn, Kind::User, text, Target::User)
}
