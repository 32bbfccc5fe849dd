//! The three tables of the timeline, as its statements see them: one list of columns, one order.

use super::row::RowSql;
use crate::activity::position::Source;
use crate::db::ids::ProjectId;
use crate::db::statement::Statement;

pub(in crate::activity) type RowStatement = Statement<RowSql>;

/// What one source looks like to the branches.
pub(in crate::activity) struct Table {
    /// Its columns in the order of the union.
    pub columns: &'static str,
    /// Table and alias.
    pub from: &'static str,
    pub(super) time: &'static str,
    pub(super) id: &'static str,
    /// The computed milliseconds, where `time` is something else.
    pub(super) millis: Option<&'static str>,
    pub(super) project: &'static str,
    pub(super) user: &'static str,
    pub(super) kind: &'static str,
    pub(super) status: &'static str,
    /// True of every row, and only known from the row itself: it is about a column that no index has.
    pub(super) has_row: &'static str,
    pub(super) newest_first: &'static str,
    pub(super) oldest_first: &'static str,
}

const ACTION_COLUMNS: &str = "'action'::text AS src, a.action_id::text AS id, a.project_id::text AS project, \
     a.user_id::text AS usr, left(a.request_id, 1000) AS req, a.action_type::text AS kind, \
     left(a.action_details, 2000) AS details, NULL::text AS more, a.status::text AS status, \
     left(a.environment, 2000) AS env, CASE WHEN octet_length(a.reference_ids::text) <= 4000 THEN a.reference_ids::text ELSE \
     (SELECT '+' || count(*) FILTER (WHERE NOT r.kept) || ' ' || \
         coalesce(jsonb_object_agg(r.key, r.value) FILTER (WHERE r.kept), '{}') FROM ( \
         SELECT f.key, f.value, f.fits AND row_number() OVER (ORDER BY f.fits DESC, f.key = ANY ('{caused_by,deployment_id,github_push_id,commit_sha,database_id,branch_name}') DESC, f.at) <= 24 AS kept FROM ( \
             SELECT j.key, j.value, j.at, octet_length(j.key) + octet_length(j.value::text) <= 300 AS fits \
             FROM jsonb_each(CASE WHEN jsonb_typeof(a.reference_ids) = 'object' THEN a.reference_ids ELSE '{}' END) \
                 WITH ORDINALITY j (key, value, at) \
             WHERE jsonb_typeof(j.value) IN ('string', 'number', 'boolean')) f) r) END AS refs, NULL::text AS cause, NULL::text AS ekind, \
     NULL::text AS eid, NULL::text AS ename, NULL::text AS aname, NULL::bigint AS amount, NULL::text AS progress, \
     NULL::text AS arole";

const AUDIT_COLUMNS: &str = "'audit'::text AS src, l.id, l.\"projectId\" AS project, l.\"userId\" AS usr, \
     left(l.\"requestId\", 1000) AS req, l.\"activityType\" AS kind, left(l.description, 2000) AS details, NULL::text AS more, \
     NULL::text AS status, NULL::text AS env, NULL::text AS refs, NULL::text AS cause, l.\"targetType\" AS ekind, \
     left(l.\"targetId\", 500) AS eid, left(l.\"targetName\", 500) AS ename, \
     left(coalesce(l.\"actorName\", l.\"actorEmail\"), 500) AS aname, \
     NULL::bigint AS amount, NULL::text AS progress, l.\"actorRole\" AS arole";

const EVENT_MILLIS: &str = "floor(extract(epoch FROM \
     greatest('0001-01-01', least('9999-12-31 23:59:59.999', e.\"createdAt\"))) * 1000)::bigint";
const AUDIT_MILLIS: &str = "floor(extract(epoch FROM \
     greatest('0001-01-01', least('9999-12-31 23:59:59.999', l.\"createdAt\"))) * 1000)::bigint";

pub(in crate::activity) const ACTIONS: Table = Table {
    columns: ACTION_COLUMNS,
    from: "turbobackend.project_actions a",
    time: "a.created_at",
    id: "a.action_id COLLATE \"C\"",
    millis: None,
    project: "a.project_id",
    user: "a.user_id",
    kind: "a.action_type",
    status: "a.status",
    has_row: "coalesce(a.environment, '') IS NOT NULL",
    newest_first: " ORDER BY a.created_at DESC, a.action_id COLLATE \"C\" DESC",
    oldest_first: " ORDER BY a.created_at, a.action_id COLLATE \"C\"",
};

/// Actions by what they refer to: the index of references leads, and has the position too.
pub(super) const REFERRING: Table = Table {
    from: "turbobackend.action_references r JOIN turbobackend.project_actions a ON a.action_id = r.action_id COLLATE \"default\"",
    time: "r.created_at",
    id: "r.action_id COLLATE \"C\"",
    project: "r.project_id",
    has_row: "coalesce(a.environment, '') IS NOT NULL",
    newest_first: " ORDER BY r.created_at DESC, r.action_id COLLATE \"C\" DESC",
    oldest_first: " ORDER BY r.created_at, r.action_id COLLATE \"C\"",
    ..ACTIONS
};

pub(in crate::activity) const AUDIT: Table = Table {
    columns: AUDIT_COLUMNS,
    from: "public.\"ActivityLog\" l",
    time: "l.\"createdAt\"",
    id: "l.id COLLATE \"C\"",
    millis: Some(AUDIT_MILLIS),
    project: "l.\"projectId\"",
    user: "l.\"userId\"",
    kind: "l.\"activityType\"",
    status: "NULL::text",
    has_row: "coalesce(l.description, '') IS NOT NULL",
    newest_first: " ORDER BY l.\"createdAt\" DESC, l.id COLLATE \"C\" DESC",
    oldest_first: " ORDER BY l.\"createdAt\", l.id COLLATE \"C\"",
};

pub(in crate::activity) const EVENTS: Table = Table {
    columns: "'event'::text AS src, e.id, e.\"projectId\" AS project, e.\"userId\" AS usr, \
        left(coalesce(e.metadata->>'request_id', e.metadata->>'requestId'), 1000) AS req, e.\"eventType\"::text AS kind, \
        left(e.title, 500) AS details, left(e.description, 2000) AS more, e.status::text AS status, \
        NULL::text AS env, NULL::text AS refs, left(e.metadata->>'caused_by', 1000) AS cause, e.\"entityType\" AS ekind, \
        left(e.\"entityId\", 500) AS eid, NULL::text AS ename, NULL::text AS aname, e.duration::bigint AS amount, \
        left(e.metadata->>'progress', 100) AS progress, NULL::text AS arole",
    from: "public.\"ActivityEvent\" e",
    time: "e.\"createdAt\"",
    id: "e.id COLLATE \"C\"",
    millis: Some(EVENT_MILLIS),
    project: "e.\"projectId\"",
    user: "e.\"userId\"",
    kind: "e.\"eventType\"::text",
    status: "e.status::text",
    has_row: "coalesce(e.title, '') IS NOT NULL",
    newest_first: " ORDER BY e.\"createdAt\" DESC, e.id COLLATE \"C\" DESC",
    oldest_first: " ORDER BY e.\"createdAt\", e.id COLLATE \"C\"",
};

impl Table {
    pub(in crate::activity) fn of(source: Source) -> &'static Self {
        match source {
            Source::Action => &ACTIONS,
            Source::Audit => &AUDIT,
            Source::Event => &EVENTS,
        }
    }

    /// `SELECT at, columns FROM table`, also for rows without a time.
    pub(in crate::activity) fn select_any(&self, s: &mut RowStatement) {
        s.sql("SELECT coalesce(").sql(self.millis.unwrap_or(self.time)).sql(", 0) AS at, ").sql(self.columns);
        s.sql(" FROM ").sql(self.from);
    }

    /// `SELECT at, columns FROM table`.
    pub(in crate::activity) fn select(&self, s: &mut RowStatement) {
        s.sql("SELECT ").sql(self.millis.unwrap_or(self.time)).sql(" AS at, ").sql(self.columns);
        s.sql(" FROM ").sql(self.from);
    }
}

/// The rows of `parts`, CTEs each, and what their projects and users are called: a row each, however many records
/// name them. Nothing is joined to a record: it outlives what it names. `project` is the only one that there can be,
/// `who` are further users, a CTE with a column `usr`. The order is the reader's business.
pub(in crate::activity) fn with_names(
    s: &mut RowStatement,
    parts: &[&'static str],
    project: Option<ProjectId>,
    who: Option<&'static str>,
) {
    for (at, part) in parts.iter().enumerate() {
        s.sql(if at == 0 { "SELECT * FROM " } else { " UNION ALL SELECT * FROM " }).sql(part);
    }
    s.sql(
        " UNION ALL SELECT 'project'::text, 0::bigint, '', n.project, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
         NULL, NULL, NULL, coalesce(p.name, t.name)::text, NULL, \
         CASE WHEN p.id IS NOT NULL THEN 2 WHEN t.id IS NOT NULL THEN 1 ELSE 0 END::bigint, NULL, NULL FROM (",
    );
    if let Some(project) = project {
        s.sql("SELECT ").text(project.to_string()).sql(" AS project");
    } else {
        for (at, part) in parts.iter().enumerate() {
            s.sql(if at == 0 { "SELECT project FROM " } else { " UNION SELECT project FROM " }).sql(part);
        }
        s.sql(if parts.len() == 1 { " GROUP BY project" } else { "" });
    }
    s.sql(
        ") n LEFT JOIN public.projects p ON p.id_text = n.project \
         LEFT JOIN pilothouse.tombstones t ON t.kind = 'project' AND t.id = CASE WHEN p.id IS NULL THEN n.project END \
         WHERE n.project <> '' \
         UNION ALL SELECT 'user', 0, '', n.usr, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
         NULL, NULL, NULL, coalesce(u.name, t.name)::text, u.email::text, \
         CASE WHEN u.id IS NOT NULL THEN 2 WHEN t.id IS NOT NULL THEN 1 ELSE 0 END::bigint, NULL, NULL FROM (",
    );
    for (at, part) in parts.iter().chain(&who).enumerate() {
        s.sql(if at == 0 { "SELECT usr FROM " } else { " UNION SELECT usr FROM " }).sql(part);
    }
    s.sql(if parts.len() == 1 && who.is_none() { " GROUP BY usr" } else { "" }).sql(
        ") n LEFT JOIN public.users u ON u.id_text = n.usr \
         LEFT JOIN pilothouse.tombstones t ON t.kind = 'user' AND t.id = CASE WHEN u.id IS NULL THEN n.usr END \
         WHERE n.usr <> ''",
    );
}

pub(super) const NEWEST_FIRST: &str =
    " ORDER BY x.at DESC, x.src COLLATE \"C\" DESC, x.id COLLATE \"C\" DESC";
pub(super) const OLDEST_FIRST: &str = " ORDER BY x.at, x.src COLLATE \"C\", x.id COLLATE \"C\"";
