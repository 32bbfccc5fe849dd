//! Reads of users, for admins. Row-level security shows an owner only themself.

use chrono::{DateTime, Utc};
use diesel::define_sql_function;
use diesel::dsl::{count_star, max};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Uuid as SqlUuid;

use crate::auth::password_links::Newest;
use crate::db::cursor::{ListPosition, Page, PageStart, keyset};
use crate::db::functions::{coalesce_flag, lower};
use crate::db::ids::UserId;
use crate::db::schema::{password_links, projects, sessions, users};
use crate::db::spelling::{Patterns, contains, spellings};
use crate::db::time::{Instant, listed_time, now};
use crate::identity::{Role, display_name, domain_spellings};

/// What a list of users is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// By address.
    #[default]
    Email,
    Newest,
    /// The last signed in first.
    SignedIn,
}

/// Which users a list shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Part of the name or address.
    pub text: Option<String>,
    pub role: Option<Role>,
    pub active: Option<bool>,
    /// The order.
    pub sort: Sort,
}

/// One user as their page and lists show them.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct UserView {
    pub id: UserId,
    /// Their address.
    pub email: String,
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

/// One user as lists show them.
#[derive(Debug, Clone, Queryable)]
pub struct UserLine {
    pub user: UserView,
    /// When a session of theirs was used last.
    pub last_seen: Option<DateTime<Utc>>,
    /// How many projects they have, the deleted aside.
    pub projects: Option<i64>,
}

impl UserLine {
    /// Where the line stands in a list that is sorted by `sort`.
    #[must_use]
    pub fn position(&self, sort: Sort) -> ListPosition {
        let id = self.user.id.0;
        match sort {
            Sort::Email => ListPosition { key: self.user.email.clone(), id },
            Sort::Newest => ListPosition::at_time(self.user.created_at, id),
            Sort::SignedIn => ListPosition::at_time(self.user.last_login, id),
        }
    }
}

/// Whom something belongs to.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct Person {
    pub id: UserId,
    pub name: Option<String>,
    pub email: String,
}

impl Person {
    /// The name, else the address.
    #[must_use]
    pub fn display_name(&self) -> &str {
        display_name(self.name.as_deref(), &self.email)
    }
}

/// A page of users that match `filter`.
pub fn page(
    conn: &mut PgConnection,
    filter: &Filter,
    from: &PageStart<ListPosition>,
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
        .select((UserView::as_select(), last_seen, owned))
        .limit(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .into_boxed::<Pg>();
    if let Some(text) = &filter.text {
        let wanted = Patterns::of(text);
        let address = Patterns::of_each(&address_spellings(text));
        query = query.filter(contains(users::email, &address).or(contains(users::name, &wanted)));
    }
    query = match filter.role {
        Some(Role::Admin) => query.filter(users::role.eq("admin")),
        Some(Role::Owner) => query.filter(users::role.ne("admin")),
        None => query,
    };
    if let Some(active) = filter.active {
        query = query.filter(coalesce_flag(users::is_active, false).eq(active));
    }
    let query = match filter.sort {
        // Only PostgreSQL knows how its collation lowers a letter, so it lowers both sides.
        Sort::Email => keyset!(
            query, from, ascending lower(users::email), users::id, UserId, at => lower(at.key.clone())
        ),
        Sort::Newest => keyset!(
            query, from, descending listed_time!(users::created_at),
            users::id, UserId, at => Instant(at.time())
        ),
        Sort::SignedIn => keyset!(
            query, from, descending listed_time!(users::last_login),
            users::id, UserId, at => Instant(at.time())
        ),
    };
    Ok(Page::of(query.load(conn)?, limit, from))
}

/// The user with this id, if the viewer may see them.
pub fn find(conn: &mut PgConnection, id: UserId) -> QueryResult<Option<UserView>> {
    Ok(find_many(conn, &[id])?.pop())
}

/// Those of the users with these ids whom the viewer may see, in any order.
pub fn find_many(conn: &mut PgConnection, ids: &[UserId]) -> QueryResult<Vec<UserView>> {
    users::table.filter(users::id.eq_any(ids)).select(UserView::as_select()).load(conn)
}

/// The user with this address, in whatever spelling of its domain: id, and the address as it is stored.
pub fn known_as(conn: &mut PgConnection, email: &str) -> QueryResult<Option<(UserId, String)>> {
    users::table
        .filter(users::email.eq_any(domain_spellings(email)))
        .order(users::email.eq(email).desc())
        .select((users::id, users::email))
        .first(conn)
        .optional()
}

/// The stored address that equals `email` but for capitals and the spelling of its letters or domain, of anybody but
/// `except`; an exact match first.
pub fn similar_email(
    conn: &mut PgConnection,
    email: &str,
    except: Option<UserId>,
) -> QueryResult<Option<String>> {
    // Only PostgreSQL knows how its collation lowers a letter, so it lowers both sides.
    let mut rows = users::table.filter(lower(users::email).eq(lower(email))).into_boxed();
    for spelling in address_spellings(email) {
        rows = rows.or_filter(lower(users::email).eq(lower(spelling)));
    }
    if let Some(except) = except {
        rows = rows.filter(users::id.ne(except));
    }
    rows.order(users::email.eq(email).desc()).select(users::email).first(conn).optional()
}

define_sql_function! {
    /// Sees what admins may not: whether somebody has a password.
    #[sql_name = "pilothouse.another_admin_can_sign_in"]
    fn other_admin_can_sign_in(besides: SqlUuid) -> Bool;
}

/// Whether an admin other than `id` could sign in: one who is active and has a password.
pub fn another_admin_can_sign_in(conn: &mut PgConnection, id: UserId) -> QueryResult<bool> {
    diesel::select(other_admin_can_sign_in(id)).get_result(conn)
}

/// How many users there are.
pub fn count(conn: &mut PgConnection) -> QueryResult<i64> {
    users::table.count().get_result(conn)
}

/// A user, and what became of their newest link: nothing of one that was used.
pub fn with_newest_link(
    conn: &mut PgConnection,
    user: UserId,
) -> QueryResult<Option<(UserView, Option<Newest>)>> {
    type Times = (Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);
    let of_user = password_links::user_id.eq(users::id).and(password_links::expires_at.gt(now));
    let found: Option<(UserView, Times)> = users::table
        .left_join(password_links::table.on(of_user))
        .filter(users::id.eq(user))
        .order(password_links::created_at.desc().nulls_last())
        .select((
            UserView::as_select(),
            (
                password_links::expires_at.nullable(),
                password_links::used_at.nullable(),
                password_links::cancelled_at.nullable(),
            ),
        ))
        .first(conn)
        .optional()?;
    Ok(found.map(|(user, (expires, used, cancelled))| {
        let newest =
            if used.is_none() { expires.map(Newest::Waits) } else { cancelled.map(Newest::Cancelled) };
        (user, newest)
    }))
}

/// [`domain_spellings`], composed and decomposed: what a search for an address looks for, each once.
#[must_use]
pub fn address_spellings(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for spelling in domain_spellings(text).iter().flat_map(|text| spellings(text)) {
        if !all.contains(&spelling) {
            all.push(spelling);
        }
    }
    all
}

/// The user with this address, and whether they are an admin.
pub fn maker(conn: &mut PgConnection, email: &str) -> QueryResult<Option<(UserId, bool)>> {
    let Some((id, _)) = known_as(conn, email)? else { return Ok(None) };
    users::table.find(id).select((users::id, users::role.eq("admin"))).first(conn).optional()
}
