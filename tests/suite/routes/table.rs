//! Every route and who gets what: the table that a new route has to be entered into.

/// One route, as it answers each kind of caller.
///
/// In `example`, `fields` and what is expected, words in capitals stand for things of the owner, as
/// `Scene` makes them. What is expected is a status, and for a redirect where it begins to lead.
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

/// The same for everybody who is signed in.
const fn own(expected: &'static str) -> [&'static str; 4] {
    [SIGN_IN, expected, expected, expected]
}

/// Nothing is there for owners, whoever they are.
const fn admins(expected: &'static str) -> [&'static str; 4] {
    [SIGN_IN, "404", "404", expected]
}

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
    ("GET", "/passwords/{token}", "/passwords/LINK", &[], ["200"; 4]),
    ("GET", "/passwords/{token}", "/passwords/x", &[], ["404"; 4]),
    (
        "POST",
        "/passwords/{token}",
        "/passwords/LINK",
        &[("password", "other unrelated words")],
        ["303 /login?notice=password-set"; 4],
    ),
    // A stream, which is asked for its head alone: what it tells is in `live`.
    ("GET", "/live", "/live", &[], ["401", "200", "200", "200"]),
    // The assistant. A blank message begins nothing.
    ("GET", "/start", "/start?ref=ada&source=mail", &[], ["200"; 4]),
    ("POST", "/start/messages", "/start/messages", &[("text", " ")], ["422"; 4]),
    ("GET", "/start/draft", "/start/draft", &[], ["303 /start", "200", "303 /start", "303 /start"]),
    (
        "POST",
        "/start/draft",
        "/start/draft",
        &[("slot", "budget"), ("act", "save"), ("value", "5000")],
        ["404", "303 /start#slots", "404", "404"],
    ),
    ("GET", "/start/claim", "/start/claim", &[], ["200"; 4]),
    (
        "POST",
        "/start/claim",
        "/start/claim?x=CLAIM",
        &[("claim", "yes"), ("link", "CLAIM")],
        own("303 /start/draft"),
    ),
    ("GET", "/start/delete", "/start/delete", &[], ["303 /start", "200", "303 /start", "303 /start"]),
    ("POST", "/start/delete", "/start/delete", &[], ["404", "303 /start", "404", "404"]),
    ("GET", "/drafts", "/drafts", &[], own("200")),
    ("GET", "/drafts/{id}", "/drafts/DRAFT", &[], [SIGN_IN, "200", "404", "200"]),
    (
        "POST",
        "/drafts/{id}",
        "/drafts/DRAFT",
        &[("title", "Another title")],
        [SIGN_IN, "303 /drafts/DRAFT", "404", "404"],
    ),
    (
        "POST",
        "/drafts/{id}/post",
        "/drafts/DRAFT/post",
        &[("consent", "yes")],
        [SIGN_IN, "303 /drafts/DRAFT", "404", "404"],
    ),
    (
        "POST",
        "/drafts/{id}/status",
        "/drafts/POSTED/status",
        &[("public_status", "in_progress")],
        [SIGN_IN, "303 /drafts/POSTED", "404", "404"],
    ),
    ("POST", "/drafts/{id}/project", "/drafts/DRAFT/project", &[], [SIGN_IN, "303 /projects/", "404", "404"]),
    // One's own account.
    ("GET", "/account", "/account", &[], own("200")),
    ("POST", "/account/profile", "/account/profile", &[("name", "Ada")], own("303 /account")),
    (
        "POST",
        "/account/password",
        "/account/password",
        &[("current_password", "four unrelated words"), ("password", "other unrelated words")],
        own("303 /account"),
    ),
    ("POST", "/account/preferences", "/account/preferences", &[("theme", "dark")], own("303 /account")),
    ("GET", "/account/sessions", "/account/sessions", &[], own("200")),
    (
        "POST",
        "/account/sessions/revoke-others",
        "/account/sessions/revoke-others",
        &[],
        own("303 /account/sessions"),
    ),
    (
        "POST",
        "/account/sessions/{id}/revoke",
        "/account/sessions/SESSION/revoke",
        &[],
        [SIGN_IN, "303 /account/sessions", "404", "404"],
    ),
    // Tokens.
    ("GET", "/account/tokens", "/account/tokens", &[], own("200")),
    (
        "POST",
        "/account/tokens",
        "/account/tokens",
        &[("name", "CI"), ("scope", "read"), ("project", "PROJECT")],
        [SIGN_IN, "200", "422", "200"],
    ),
    (
        "POST",
        "/account/tokens/{id}/revoke",
        "/account/tokens/TOKEN/revoke",
        &[],
        [SIGN_IN, "303 /account/tokens", "404", "303 /account/tokens"],
    ),
    ("GET", "/tokens", "/tokens", &[], admins("200")),
    // Users.
    ("GET", "/users", "/users", &[], admins("200")),
    (
        "POST",
        "/users",
        "/users",
        &[("email", "UNIQUE@x.test"), ("name", "X"), ("role", "owner")],
        admins("303 /users/"),
    ),
    ("GET", "/users/new", "/users/new", &[], admins("200")),
    ("POST", "/users/export", "/users/export", &[("format", "csv")], admins("200")),
    ("GET", "/users/{id}", "/users/USER", &[], admins("200")),
    (
        "POST",
        "/users/{id}",
        "/users/USER",
        &[("email", "UNIQUE@x.test"), ("name", "X"), ("role", "owner"), ("updated_at", "VERSION")],
        admins("303 /users/USER"),
    ),
    ("GET", "/users/{id}/link", "/users/USER/link", &[], admins("303 /users/USER")),
    ("POST", "/users/{id}/link", "/users/USER/link", &[], admins("303 /users/USER/link")),
    ("GET", "/users/{id}/deactivate", "/users/USER/deactivate", &[], admins("200")),
    ("POST", "/users/{id}/deactivate", "/users/USER/deactivate", &[], admins("303 /users/USER")),
    ("GET", "/users/{id}/activate", "/users/USER/activate", &[], admins("303 /users/USER")),
    ("POST", "/users/{id}/activate", "/users/USER/activate", &[], admins("303 /users/USER")),
    ("POST", "/users/{id}/sessions/revoke", "/users/USER/sessions/revoke", &[], admins("303 /users/USER")),
    (
        "POST",
        "/users/{id}/sessions/{sid}/revoke",
        "/users/USER/sessions/SESSION/revoke",
        &[],
        admins("303 /users/USER"),
    ),
    // The instance.
    ("GET", "/operations", "/operations", &[], admins("200")),
    ("GET", "/engine", "/engine", &[], admins("200")),
    (
        "POST",
        "/engine/{id}/adopt",
        "/engine/ENGINE/adopt",
        &[("taker", "PROJECT")],
        admins("303 /containers/"),
    ),
    ("GET", "/operations/retention", "/operations/retention", &[], admins("200")),
    ("GET", "/operations/retention/{class}", "/operations/retention/chat?days=30", &[], admins("200")),
    ("GET", "/operations/retention/{class}", "/operations/retention/everything", &[], admins("404")),
    (
        "POST",
        "/operations/retention",
        "/operations/retention",
        &[("class", "chat"), ("days", "200"), ("reason", "asked for")],
        admins("303 /operations/retention"),
    ),
    (
        "POST",
        "/operations/retention/holds",
        "/operations/retention/holds",
        &[("held", "PROJECT"), ("reason", "a dispute")],
        admins("303 /operations/retention"),
    ),
    (
        "POST",
        "/operations/retention/release",
        "/operations/retention/release",
        &[("kind", "user"), ("id", "HELD")],
        admins("303 /operations/retention"),
    ),
    (
        "POST",
        "/operations/retention/run",
        "/operations/retention/run",
        &[],
        admins("303 /operations/retention"),
    ),
    ("POST", "/engine/{id}/ignore", "/engine/ENGINE/ignore", &[], admins("303 /engine")),
    ("POST", "/operations/jobs", "/operations/jobs", &[("id", "JOB")], admins("303 /operations")),
    // Projects.
    ("GET", "/", "/", &[], own("200")),
    ("GET", "/projects", "/projects", &[], own("200")),
    (
        "POST",
        "/projects",
        "/projects",
        &[("name", "shop"), ("type", "nextjs")],
        [SIGN_IN, "303 /projects/", "303 /projects/", "303 /projects/"],
    ),
    ("GET", "/projects/new", "/projects/new", &[], own("200")),
    ("POST", "/projects/export", "/projects/export", &[("format", "csv")], own("200")),
    ("GET", "/projects/{id}", "/projects/PROJECT", &[], [SIGN_IN, "200", "404", "200"]),
    (
        "POST",
        "/projects/{id}",
        "/projects/PROJECT",
        &[("name", "renamed")],
        [SIGN_IN, "303 /projects/PROJECT/settings", "404", "303 /projects/PROJECT/settings"],
    ),
    ("GET", "/projects/{id}/activity", "/projects/PROJECT/activity", &[], [SIGN_IN, "200", "404", "200"]),
    (
        "POST",
        "/projects/{id}/activity/export",
        "/projects/PROJECT/activity/export",
        &[("format", "jsonl")],
        [SIGN_IN, "200", "404", "200"],
    ),
    ("GET", "/projects/{id}/settings", "/projects/PROJECT/settings", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/projects/{id}/webhooks", "/projects/PROJECT/webhooks", &[], [SIGN_IN, "200", "404", "200"]),
    (
        "POST",
        "/projects/{id}/webhooks",
        "/projects/PROJECT/webhooks",
        &[("name", "shop-api")],
        [SIGN_IN, "200", "404", "200"],
    ),
    (
        "POST",
        "/projects/{id}/webhooks/{hook}/rotate",
        "/projects/PROJECT/webhooks/HOOK/rotate",
        &[],
        [SIGN_IN, "200", "404", "200"],
    ),
    (
        "POST",
        "/projects/{id}/webhooks/{hook}/remove",
        "/projects/PROJECT/webhooks/HOOK/remove",
        &[],
        [SIGN_IN, HOOKS, "404", HOOKS],
    ),
    (
        "POST",
        "/projects/{id}/webhooks/{hook}/test",
        "/projects/PROJECT/webhooks/HOOK/test",
        &[],
        [SIGN_IN, HOOKS, "404", HOOKS],
    ),
    (
        "POST",
        "/projects/{id}/webhooks/{hook}/deliveries/{delivery}/redo",
        "/projects/PROJECT/webhooks/HOOK/deliveries/DELIVERY/redo",
        &[],
        [SIGN_IN, HOOKS, "404", HOOKS],
    ),
    ("GET", "/projects/{id}/chat", "/projects/PROJECT/chat", &[], [SIGN_IN, "200", "404", "200"]),
    (
        "GET",
        "/projects/{id}/chat",
        "/projects/PROJECT/chat?session=none",
        &[],
        [SIGN_IN, "404", "404", "404"],
    ),
    (
        "GET",
        "/projects/{id}/chat/{message}/raw",
        "/projects/PROJECT/chat/PROJECT/raw",
        &[],
        [SIGN_IN, "404", "404", "404"],
    ),
    ("GET", "/projects/{id}/files", "/projects/PROJECT/files", &[], [SIGN_IN, "200", "404", "200"]),
    (
        "GET",
        "/projects/{id}/files",
        "/projects/PROJECT/files?file=PROJECT",
        &[],
        [SIGN_IN, "404", "404", "404"],
    ),
    ("GET", STEP, "/projects/PROJECT/lock", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", STEP, "/projects/PROJECT/unlock", &[], [SIGN_IN, "200", "404", "200"]),
    ("POST", STEP, "/projects/PROJECT/lock", &[], [SIGN_IN, "303 /projects/", "404", "303 /projects/"]),
    ("POST", STEP, "/projects/PROJECT/unlock", &[], [SIGN_IN, "409", "404", "409"]),
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
    ("GET", "/containers", "/containers", &[], own("200")),
    ("POST", "/containers/export", "/containers/export", &[("format", "csv")], own("200")),
    ("POST", SEVERAL, "/containers/stop", &[], own("400")),
    ("GET", "/containers/{id}", "/containers/CONTAINER", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/containers/{id}/logs", "/containers/CONTAINER/logs", &[], [SIGN_IN, "200", "404", "200"]),
    (
        "POST",
        "/containers/{id}/logs",
        "/containers/CONTAINER/logs",
        &[("lines", "500"), ("wrap", "0")],
        [SIGN_IN, "303 /containers/CONTAINER/logs", "404", "303 /containers/CONTAINER/logs"],
    ),
    ("GET", "/containers/{id}/runs", "/containers/CONTAINER/runs", &[], [SIGN_IN, "200", "404", "200"]),
    (
        "GET",
        "/containers/{id}/figures",
        "/containers/CONTAINER/figures?hours=24",
        &[],
        [SIGN_IN, "200", "404", "200"],
    ),
    // There is no engine here.
    (
        "GET",
        "/containers/{id}/logs/download",
        "/containers/CONTAINER/logs/download",
        &[],
        [SIGN_IN, "503", "404", "503"],
    ),
    (
        "GET",
        "/containers/{id}/logs/live",
        "/containers/CONTAINER/logs/live",
        &[],
        ["401", "503", "404", "503"],
    ),
    ("GET", VERB, "/containers/CONTAINER/start", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", VERB, "/containers/CONTAINER/stop", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", VERB, "/containers/CONTAINER/restart", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", VERB, "/containers/CONTAINER/delete", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", VERB, "/containers/CONTAINER/recreate", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", VERB, "/containers/CONTAINER/rename", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", VERB, "/containers/CONTAINER/lock", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", VERB, "/containers/CONTAINER/unlock", &[], [SIGN_IN, "200", "404", "200"]),
    ("POST", VERB, "/containers/CONTAINER/recreate", &[], [SIGN_IN, "503", "404", "503"]),
    ("POST", VERB, "/containers/CONTAINER/rename", &[("name", "other")], [SIGN_IN, "503", "404", "503"]),
    ("POST", VERB, "/containers/CONTAINER/lock", &[], [SIGN_IN, "303 /events/", "404", "303 /events/"]),
    ("POST", VERB, "/containers/CONTAINER/unlock", &[], [SIGN_IN, "303 /events/", "404", "303 /events/"]),
    ("POST", VERB, "/containers/CONTAINER/start", &[], [SIGN_IN, "503", "404", "503"]),
    ("POST", VERB, "/containers/CONTAINER/stop", &[], [SIGN_IN, "503", "404", "503"]),
    ("POST", VERB, "/containers/CONTAINER/restart", &[], [SIGN_IN, "503", "404", "503"]),
    ("POST", VERB, "/containers/CONTAINER/delete", &[], [SIGN_IN, "503", "404", "503"]),
    // Everything.
    ("GET", "/search", "/search?q=shop", &[], own("200")),
    // The record.
    ("GET", "/activity", "/activity", &[], own("200")),
    ("POST", "/activity/export", "/activity/export", &[("format", "jsonl")], own("200")),
    ("GET", "/activity/{action_id}", "/activity/ACTION", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/activity/{action_id}/raw", "/activity/ACTION/raw", &[], [SIGN_IN, "200", "404", "200"]),
    (
        "POST",
        "/events/{id}/cancel",
        "/events/OPERATION/cancel",
        &[],
        [SIGN_IN, "303 /events/", "404", "303 /events/"],
    ),
    ("GET", "/engine/events/{id}", "/engine/events/SEEN", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/engine/events/{id}/raw", "/engine/events/SEEN/raw", &[], [SIGN_IN, "200", "404", "200"]),
    ("POST", "/events/{id}/again", "/events/OPERATION/again", &[], [SIGN_IN, "404", "404", "404"]),
    ("GET", "/events/{id}", "/events/EVENT", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/events/{id}/raw", "/events/EVENT/raw", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/audit", "/audit", &[], admins("200")),
    ("POST", "/audit/export", "/audit/export", &[("format", "csv")], admins("200")),
    ("GET", "/audit/{id}", "/audit/AUDIT", &[], admins("200")),
    ("GET", "/audit/{id}/raw", "/audit/AUDIT/raw", &[], admins("200")),
    ("GET", "/entries", "/entries?id=ACTION", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/entries", "/entries?id=event:EVENT", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/entries", "/entries?id=audit:AUDIT", &[], admins("200")),
    ("GET", "/threads/{key}", "/threads/action:ACTION", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/threads/{key}", "/threads/event:EVENT", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/threads/{key}", "/threads/audit:AUDIT", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/threads", "/threads?id=ACTION", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/entries/raw", "/entries/raw?id=ACTION", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/entries/raw", "/entries/raw?id=event:EVENT", &[], [SIGN_IN, "200", "404", "200"]),
    ("GET", "/entries/raw", "/entries/raw?id=audit:AUDIT", &[], admins("200")),
    (
        "GET",
        "/references",
        "/references?key=branch_name&value=REFERENCE",
        &[],
        [SIGN_IN, "200", "404", "200"],
    ),
    (
        "GET",
        "/references/{key}/{value:.*}",
        "/references/branch_name/REFERENCE",
        &[],
        [SIGN_IN, "200", "404", "200"],
    ),
    // For programs. Without a signature nobody delivers anything.
    ("POST", "/webhooks/github/{hook}", "/webhooks/github/HOOK", &[], ["401"; 4]),
    (
        "GET",
        "/api/projects/{id}/activities",
        "/api/projects/PROJECT/activities",
        &[],
        ["401", "200", "404", "200"],
    ),
    (
        "POST",
        "/api/projects/{id}/activities",
        "/api/projects/PROJECT/activities",
        &[("action_type", "deployment")],
        ["401", "201", "404", "201"],
    ),
    (
        "POST",
        "/api/projects/{id}/events",
        "/api/projects/PROJECT/events",
        &[("eventType", "INDEXING_STARTED")],
        ["401", "201", "404", "201"],
    ),
    ("PATCH", "/api/events/{id}", "/api/events/EVENT", &[("title", "Later")], ["401", "409", "404", "409"]),
    ("GET", "/api", "/api", &[], own("200")),
    ("GET", "/openapi.json", "/openapi.json", &[], ["200"; 4]),
    ("GET", "/api/projects", "/api/projects", &[], ["401", "200", "200", "200"]),
    ("GET", "/api/projects/{id}", "/api/projects/PROJECT", &[], ["401", "200", "404", "200"]),
    ("GET", "/api/containers", "/api/containers", &[], ["401", "200", "200", "200"]),
    ("GET", "/api/containers/{id}", "/api/containers/CONTAINER", &[], ["401", "200", "404", "200"]),
    ("GET", RECORDS, "/api/projects/PROJECT/pushes", &[], ["401", "200", "404", "200"]),
    (
        "POST",
        RECORDS,
        "/api/projects/PROJECT/pushes",
        &[("branch_name", "main")],
        ["401", "201", "404", "201"],
    ),
    ("GET", "/api/activity/feed", "/api/activity/feed", &[], ["401", "200", "200", "200"]),
    ("GET", "/api/insights/codebase", "/api/insights/codebase", &[], ["401", "200", "200", "200"]),
];

const HOOKS: &str = "303 /projects/PROJECT/webhooks";
const RECORDS: &str = "/api/projects/{id}/{records:pushes|deployments|databases|sessions|costs}";

const STEP: &str = "/projects/{id}/{step:archive|unarchive|delete|restore|lock|unlock}";
const SEVERAL: &str = "/containers/{verb:start|stop|restart|recreate|lock|unlock|delete}";
const VERB: &str = "/containers/{id}/{verb:start|stop|restart|recreate|rename|lock|unlock|delete}";

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
