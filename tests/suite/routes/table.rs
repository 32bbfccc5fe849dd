//! Every route and who gets what: the table that a new route has to be entered into.

/// One route, as it answers each kind of caller.
///
/// In `example` and `fields`, PROJECT, CONTAINER, ACTION, EVENT, AUDIT, USER, SESSION, REFERENCE and CSS stand for
/// things of the owner. What is expected is a status, and for a redirect where it begins to lead.
pub struct Route {
    pub method: &'static str,
    /// As it is registered.
    pub pattern: &'static str,
    pub example: &'static str,
    pub fields: &'static [(&'static str, &'static str)],
    pub anonymous: &'static str,
    pub owner: &'static str,
    /// Another owner.
    pub stranger: &'static str,
    pub admin: &'static str,
}

type Fields = &'static [(&'static str, &'static str)];
type Row = (&'static str, &'static str, &'static str, Fields, [&'static str; 4]);

const SIGN_IN: &str = "303 /login";

/// Method, pattern, example, fields, and what anonymous, owner, stranger and admin get.
const ROWS: &[Row] = &[
    // Without a session.
    ("GET", "/healthz", "/healthz", &[], ["200", "200", "200", "200"]),
    ("GET", "/readyz", "/readyz", &[], ["200", "200", "200", "200"]),
    ("GET", "/favicon.ico", "/favicon.ico", &[], ["303 /assets/favicon-"; 4]),
    ("GET", "/assets/{name}", "CSS", &[], ["200"; 4]),
    ("GET", "/assets/{name}", "/assets/console-0123456789ab.css", &[], ["404"; 4]),
    ("GET", "/login", "/login", &[], ["200"; 4]),
    ("POST", "/login", "/login", &[("email", "a@b.test"), ("password", "wrong")], ["422"; 4]),
    ("POST", "/logout", "/logout", &[], ["303 /login?notice=signed-out"; 4]),
    // Projects.
    ("GET", "/projects", "/projects", &[], [SIGN_IN, "200", "200", "200"]),
    (
        "POST",
        "/projects",
        "/projects",
        &[("name", "shop"), ("type", "nextjs")],
        [SIGN_IN, "303 /projects/", "303 /projects/", "303 /projects/"],
    ),
    ("GET", "/projects/new", "/projects/new", &[], [SIGN_IN, "200", "200", "200"]),
    ("GET", "/projects/{id}", "/projects/PROJECT", &[], [SIGN_IN, "200", "404", "200"]),
    (
        "POST",
        "/projects/{id}",
        "/projects/PROJECT",
        &[("name", "renamed")],
        [SIGN_IN, "303 /projects/PROJECT/settings", "404", "303 /projects/PROJECT/settings"],
    ),
    ("GET", "/projects/{id}/activity", "/projects/PROJECT/activity", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/projects/{id}/settings", "/projects/PROJECT/settings", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", STEP, "/projects/PROJECT/archive", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", STEP, "/projects/PROJECT/unarchive", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", STEP, "/projects/PROJECT/delete", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", STEP, "/projects/PROJECT/restore", &[], [SIGN_IN, "200", "404", "200"]),
    (
        "POST",
        STEP,
        "/projects/PROJECT/archive",
        &[],
        [SIGN_IN, "303 /projects/PROJECT", "404", "303 /projects/PROJECT"],
    ),
    ("POST", STEP, "/projects/PROJECT/unarchive", &[], [SIGN_IN, "409", "404", "409"]),
    (
        "POST",
        STEP,
        "/projects/PROJECT/delete",
        &[("confirm", "shop-api")],
        [SIGN_IN, "303 /projects", "404", "303 /projects"],
    ),
    ("POST", STEP, "/projects/PROJECT/restore", &[], [SIGN_IN, "409", "404", "409"]),
    // Containers.
    ("GET", "/containers", "/containers", &[], [SIGN_IN, "200", "200", "200"]),
    ("GET", "/containers/{id}", "/containers/CONTAINER", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", VERB, "/containers/CONTAINER/start", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", VERB, "/containers/CONTAINER/stop", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", VERB, "/containers/CONTAINER/restart", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", VERB, "/containers/CONTAINER/delete", &[], [SIGN_IN, "200", "404", "200"]),
    ("POST", VERB, "/containers/CONTAINER/start", &[], [SIGN_IN, "503", "404", "503"]),
    ("POST", VERB, "/containers/CONTAINER/stop", &[], [SIGN_IN, "503", "404", "503"]),
    ("POST", VERB, "/containers/CONTAINER/restart", &[], [SIGN_IN, "503", "404", "503"]),
    ("POST", VERB, "/containers/CONTAINER/delete", &[], [SIGN_IN, "503", "404", "503"]),
    // The record.
    ("GET", "/activity", "/activity", &[], [SIGN_IN, "200", "200", "200"]),
    ("GET", "/activity/{action_id}", "/activity/ACTION", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/events/{id}", "/events/EVENT", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/audit", "/audit", &[], [SIGN_IN, "404", "404", "200"]),
    ("GET", "/audit/{id}", "/audit/AUDIT", &[], [SIGN_IN, "404", "404", "200"]),
    (
        "GET",
        "/references/{key}/{value:.*}",
        "/references/branch_name/REFERENCE",
        &[],
        [SIGN_IN, "200", "404", "200"],
    ),
];

const STEP: &str = "/projects/{id}/{step:archive|unarchive|delete|restore}";
const VERB: &str = "/containers/{id}/{verb:start|stop|restart|delete}";

/// The table.
pub fn routes() -> impl Iterator<Item = Route> {
    ROWS.iter().map(|&(method, pattern, example, fields, [anonymous, owner, stranger, admin])| Route {
        method,
        pattern,
        example,
        fields,
        anonymous,
        owner,
        stranger,
        admin,
    })
}
