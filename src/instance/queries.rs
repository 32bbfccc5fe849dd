//! Reads over several nouns at once.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::db::server_version::ServerVersion;
use crate::db::statement::Statement;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateCount {
    /// The stored word.
    pub state: String,
    /// How many.
    pub count: i64,
}

/// What there is, by state, the most frequent first. Tables of things are small: they may be counted.
/// The record is not, and never counted here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// `admin` and `owner` for those who may sign in, `deactivated` for the others.
    pub users: Vec<StateCount>,
    /// `projects.status`.
    pub projects: Vec<StateCount>,
    /// `containers.status`.
    pub containers: Vec<StateCount>,
    pub server: Option<ServerVersion>,
}

/// How much there is that the viewer sees, in one round trip.
pub fn figures(conn: &mut PgConnection) -> QueryResult<Figures> {
    let mut s = Statement::<(Text, Text, BigInt)>::new();
    s.sql(
        "SELECT 'user' AS what, CASE WHEN is_active THEN role ELSE 'deactivated' END AS state, count(*) AS n \
             FROM public.users GROUP BY 2 \
         UNION ALL SELECT 'project', coalesce(status, 'unknown')::text, count(*) FROM public.projects GROUP BY 2 \
         UNION ALL SELECT 'container', status::text, count(*) FROM public.containers GROUP BY 2 \
         UNION ALL SELECT 'server', '', current_setting('server_version_num')::bigint \
         ORDER BY 1, 3 DESC, 2",
    );
    let rows: Vec<(String, String, i64)> = s.load(conn)?;
    let mut figures = Figures::default();
    for (what, state, count) in rows {
        let states = match what.as_str() {
            "user" => &mut figures.users,
            "project" => &mut figures.projects,
            "server" => {
                figures.server = i32::try_from(count).ok().map(ServerVersion::new);
                continue;
            }
            _ => &mut figures.containers,
        };
        states.push(StateCount { state, count });
    }
    Ok(figures)
}
