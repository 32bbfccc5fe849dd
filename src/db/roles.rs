//! The console refuses to serve with request roles that row-level security would not bind.

use diesel::sql_types::{Array, Bool, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

/// The roles that the migrations make, one a kind of actor.
pub const ROLES: [&str; 7] = [
    "pilothouse_admin",
    "pilothouse_owner",
    "pilothouse_worker",
    "pilothouse_guest",
    "pilothouse_gate",
    "pilothouse_retention",
    "pilothouse_nobody",
];

#[derive(QueryableByName)]
struct RoleState {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    unbound: bool,
    #[diesel(sql_type = Bool)]
    owns_tables: bool,
    #[diesel(sql_type = Bool)]
    assumable: bool,
    #[diesel(sql_type = Text)]
    member_of: String,
}

/// What is wrong with the request roles, a sentence each; empty when the console may serve.
pub fn problems(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    let states: Vec<RoleState> = sql_query(
        "SELECT r.rolname::text AS name, r.rolsuper OR r.rolbypassrls AS unbound, \
           EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                   WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p') \
                     AND n.nspname IN ('public', 'turbobackend', 'pilothouse')) AS owns_tables, \
           pg_has_role(session_user, r.oid, 'MEMBER') AS assumable, \
           coalesce((SELECT string_agg(g.rolname, ', ' ORDER BY g.rolname) \
                     FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid), '') AS member_of \
         FROM pg_roles r WHERE r.rolname = ANY ($1)",
    )
    .bind::<Array<Text>, _>(ROLES.as_slice())
    .load(conn)?;
    let mut problems = Vec::new();
    for role in ROLES {
        let Some(state) = states.iter().find(|state| state.name == role) else {
            problems.push(format!("role {role} does not exist: run `pilothouse migrate`"));
            continue;
        };
        if state.unbound {
            problems.push(format!("role {role} is a superuser or has BYPASSRLS"));
        }
        if state.owns_tables {
            problems.push(format!("role {role} owns tables, so their policies would not bind it"));
        }
        if !state.member_of.is_empty() {
            problems.push(format!("role {role} is a member of {}: it has their rights too", state.member_of));
        }
        if !state.assumable {
            problems.push(format!("the console's login is no member of {role}: run `pilothouse migrate`"));
        }
    }
    Ok(problems)
}

#[derive(QueryableByName)]
struct Stranger {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    relation: String,
}

/// Roles of others that hold a grant on a table but are named by none of its policies: they would read
/// nothing, without an error. A sentence each.
pub fn silenced(conn: &mut PgConnection) -> QueryResult<Vec<String>> {
    let strangers: Vec<Stranger> = sql_query(
        "SELECT DISTINCT r.rolname::text AS role, format('%I.%I', n.nspname, c.relname) AS relation \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN LATERAL aclexplode(c.relacl) acl JOIN pg_roles r ON r.oid = acl.grantee \
         WHERE c.relkind IN ('r', 'p') AND c.relrowsecurity \
           AND n.nspname IN ('public', 'turbobackend', 'pilothouse') \
           AND r.oid <> c.relowner AND NOT r.rolsuper AND NOT r.rolbypassrls \
           AND r.rolname <> ALL ($1) \
           AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid \
             AND (p.polroles = '{0}' OR EXISTS (SELECT FROM unnest(p.polroles) role \
                  WHERE pg_has_role(r.oid, role, 'MEMBER')))) \
         ORDER BY 1, 2",
    )
    .bind::<Array<Text>, _>(ROLES.as_slice())
    .load(conn)?;
    Ok(strangers
        .into_iter()
        .map(|s| {
            format!("{} holds a grant on {} but no policy names it: it reads nothing", s.role, s.relation)
        })
        .collect())
}
