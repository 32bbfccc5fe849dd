//! Reads of users, for admins. Row-level security shows an owner only themself.

use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, max};
use diesel::pg::Pg;
use diesel::prelude::*;

use super::model::{Role, display_name};
use crate::db::cursor::{From, ListPosition, Page};
use crate::db::functions::{coalesce_flag, lower};
use crate::db::ids::UserId;
use crate::db::schema::{projects, sessions, users};
use crate::projects::queries::containing;

/// Which users a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the name or address.
    pub text: Option<String>,
    /// One role.
    pub role: Option<Role>,
    /// Active or deactivated.
    pub active: Option<bool>,
}

/// One user as lists show them.
#[derive(Debug, Clone, Queryable)]
pub struct UserLine {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: Option<String>,
    /// `users.role`.
    pub role: String,
    /// Whether they may sign in; NULL counts as no.
    pub is_active: Option<bool>,
    /// When they signed in last.
    pub last_login: Option<DateTime<Utc>>,
    /// When a session of theirs was used last.
    pub last_seen: Option<DateTime<Utc>>,
    /// How many projects they have, the deleted aside.
    pub projects: Option<i64>,
    /// The address as the list is ordered by it: the database's lower-case form, not Rust's.
    pub sort_key: String,
}

impl UserLine {
    /// The name, else the address.
    #[must_use]
    pub fn display_name(&self) -> &str {
        display_name(self.name.as_deref(), &self.email)
    }

    /// Where the line stands in the list.
    #[must_use]
    pub fn position(&self) -> ListPosition {
        ListPosition { key: self.sort_key.clone(), id: self.id.0 }
    }
}

/// A page of users that match `filter`, by address.
///
/// # Errors
/// When the statement fails.
pub fn page(
    conn: &mut PgConnection,
    filter: &Filter,
    from: &From<ListPosition>,
    limit: usize,
) -> QueryResult<Page<UserLine>> {
    let last_seen = sessions::table
        .filter(sessions::user_id.eq(users::id.nullable()))
        .select(max(sessions::last_activity))
        .single_value();
    let owned = projects::table
        .filter(projects::user_id.eq(users::id.nullable()))
        .filter(projects::status.is_distinct_from("deleted"))
        .select(count_star())
        .single_value();
    let mut query = users::table
        .select((
            users::id,
            users::email,
            users::name,
            users::role,
            users::is_active,
            users::last_login,
            last_seen,
            owned,
            lower(users::email),
        ))
        .limit(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .into_boxed::<Pg>();
    if let Some(text) = &filter.text {
        let pattern = containing(text);
        query = query
            .filter(users::email.ilike(pattern.clone()).or(users::name.ilike(pattern).assume_not_null()));
    }
    query = match filter.role {
        Some(Role::Admin) => query.filter(users::role.eq("admin")),
        Some(Role::Owner) => query.filter(users::role.ne("admin")),
        None => query,
    };
    if let Some(active) = filter.active {
        query = query.filter(coalesce_flag(users::is_active, false).eq(active));
    }
    let email = lower(users::email);
    query = match from {
        From::Start => query.order((email.asc(), users::id.asc())),
        From::Beyond(at) => query
            .filter(email.ge(at.key.clone()).and(email.gt(at.key.clone()).or(users::id.gt(UserId(at.id)))))
            .order((email.asc(), users::id.asc())),
        From::Back(at) => query
            .filter(email.le(at.key.clone()).and(email.lt(at.key.clone()).or(users::id.lt(UserId(at.id)))))
            .order((email.desc(), users::id.desc())),
    };
    Ok(Page::of(query.load(conn)?, limit, from))
}

/// One user as their page shows them.
#[derive(Debug, Clone, Queryable)]
pub struct UserView {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: Option<String>,
    /// `users.role`.
    pub role: String,
    /// Whether they may sign in; NULL counts as no.
    pub is_active: Option<bool>,
    /// When they were made.
    pub created_at: Option<DateTime<Utc>>,
    /// When the row was last written: what an edit must have seen.
    pub updated_at: Option<DateTime<Utc>>,
    /// When they signed in last.
    pub last_login: Option<DateTime<Utc>>,
}

impl UserView {
    /// The name, else the address.
    #[must_use]
    pub fn display_name(&self) -> &str {
        display_name(self.name.as_deref(), &self.email)
    }

    /// Whether they may sign in.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.is_active == Some(true)
    }
}

/// The user with this id, if the viewer may see them.
///
/// # Errors
/// When the statement fails.
pub fn find(conn: &mut PgConnection, id: UserId) -> QueryResult<Option<UserView>> {
    Ok(find_many(conn, &[id])?.pop())
}

/// Those of the users with these ids whom the viewer may see, in any order.
///
/// # Errors
/// When the statement fails.
pub fn find_many(conn: &mut PgConnection, ids: &[UserId]) -> QueryResult<Vec<UserView>> {
    users::table
        .filter(users::id.eq_any(ids))
        .select((
            users::id,
            users::email,
            users::name,
            users::role,
            users::is_active,
            users::created_at,
            users::updated_at,
            users::last_login,
        ))
        .load(conn)
}

/// The id of the user with exactly this address.
///
/// # Errors
/// When the statement fails.
pub fn id_of(conn: &mut PgConnection, email: &str) -> QueryResult<Option<UserId>> {
    users::table.filter(users::email.eq(email)).select(users::id).first(conn).optional()
}

/// The stored address that equals `email` but for capitals, of anybody but `except`; an exact match first.
///
/// # Errors
/// When the statement fails.
pub fn similar_email(
    conn: &mut PgConnection,
    email: &str,
    except: Option<UserId>,
) -> QueryResult<Option<String>> {
    let mut rows = users::table.filter(lower(users::email).eq(lower(email))).into_boxed();
    if let Some(except) = except {
        rows = rows.filter(users::id.ne(except));
    }
    rows.order(users::email.eq(email).desc()).select(users::email).first(conn).optional()
}

/// Whether an admin other than `id` could sign in.
///
/// # Errors
/// When the statement fails.
pub fn another_admin_can_sign_in(conn: &mut PgConnection, id: UserId) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        users::table
            .filter(users::role.eq("admin"))
            .filter(users::id.ne(id))
            .filter(coalesce_flag(users::is_active, false).eq(true))
            // Nobody may read every column.
            .select(users::id),
    ))
    .get_result(conn)
}

/// How many users there are.
///
/// # Errors
/// When the statement fails.
pub fn count(conn: &mut PgConnection) -> QueryResult<i64> {
    users::table.count().get_result(conn)
}
