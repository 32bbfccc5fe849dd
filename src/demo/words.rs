//! What people ask for, what changes, and what goes wrong.

/// A wish, the commit that fulfils it and the file that changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub prompt: &'static str,
    pub commit: &'static str,
    pub files: &'static [&'static str],
}

const fn wish(prompt: &'static str, commit: &'static str, files: &'static [&'static str]) -> Wish {
    Wish { prompt, commit, files }
}

pub(super) const WISHES: [Wish; 18] = [
    wish(
        "Add a search field to the list",
        "Search the list by name",
        &["src/pages/list.tsx", "src/api/search.ts", "src/styles/list.css"],
    ),
    wish(
        "The page is slow with many rows. Load it in pages.",
        "Page the list by key",
        &["src/api/list.ts", "src/db/queries.ts"],
    ),
    wish(
        "Let people sign in with their e-mail address",
        "Add sign-in by e-mail",
        &["src/auth/session.ts", "src/pages/login.tsx", "src/db/users.ts", "package.json"],
    ),
    wish(
        "Please add tests for the price calculation",
        "Test the price calculation",
        &["tests/price.test.ts", "src/price.ts"],
    ),
    wish(
        "Show dates in the visitor's time zone",
        "Format dates in the visitor's zone",
        &["src/dates.ts", "src/components/date.tsx"],
    ),
    wish(
        "The footer overlaps the text on phones",
        "Let the footer flow on small screens",
        &["src/styles/footer.css"],
    ),
    wish(
        "Send a mail when an order is placed",
        "Mail a confirmation of each order",
        &["src/mail/order.ts", "src/mail/templates/order.html", "src/jobs/queue.ts"],
    ),
    wish(
        "Make the buttons reachable by keyboard",
        "Make every button focusable",
        &["src/components/button.tsx", "src/styles/focus.css"],
    ),
    wish("Add a health check for the load balancer", "Answer /healthz", &["src/server.ts", "src/health.ts"]),
    wish(
        "Can you add a dark theme?",
        "Add a dark theme",
        &["src/styles/tokens.css", "src/styles/dark.css", "src/components/theme.tsx"],
    ),
    wish("Export the table as CSV", "Export the table as CSV", &["src/api/export.ts", "src/pages/list.tsx"]),
    wish("Retry the request when the network fails", "Retry failed requests with a pause", &["src/http.ts"]),
    wish(
        "Validate the address form on the server too",
        "Validate addresses on the server",
        &["src/forms/address.ts", "src/api/address.ts", "tests/address.test.ts"],
    ),
    wish("Cache the front page for a minute", "Cache the front page", &["src/cache.ts", "src/server.ts"]),
    wish(
        "Resize uploads before they are stored",
        "Resize uploads",
        &["src/uploads/resize.ts", "src/uploads/store.ts", "package.json"],
    ),
    wish(
        "Use one date picker everywhere",
        "Share one date picker",
        &["src/components/date-picker.tsx", "src/pages/report.tsx", "src/pages/order.tsx"],
    ),
    wish("Log slow queries", "Log queries over 200 ms", &["src/db/log.ts"]),
    wish(
        "Translate the error messages",
        "Say errors in plain words",
        &["src/errors.ts", "src/components/alert.tsx"],
    ),
];

/// What an owner commits without asking anybody.
pub(super) const CHORES: [Wish; 8] = [
    wish("", "Update dependencies", &["package.json", "package-lock.json"]),
    wish("", "Fix a typo in the README", &["README.md"]),
    wish("", "Rename a variable that lied", &["src/api/list.ts"]),
    wish("", "Remove a feature flag that is always on", &["src/flags.ts", "src/server.ts"]),
    wish("", "Delete dead code", &["src/legacy.ts", "src/index.ts"]),
    wish("", "Pin the Node version", &[".nvmrc", "Dockerfile"]),
    wish("", "Note how to restore a backup", &["docs/backup.md"]),
    wish("", "Tighten the content security policy", &["src/server.ts", "src/headers.ts"]),
];

/// Why a deployment failed, and the commit that repairs it.
pub(super) const FAILURES: [(&str, &str); 6] = [
    ("health check on :3000 did not answer within 60 s", "Listen on the port that the platform names"),
    ("build failed: Cannot find module './theme'", "Import the theme by its new name"),
    ("out of memory: the build was killed at 512 MB", "Build with fewer workers"),
    ("migration 0014_orders failed: column \"total\" already exists", "Make the migration repeatable"),
    ("image push failed: 504 from the registry", "Retry the image push"),
    ("exit code 1: environment variable SMTP_URL is not set", "Start without a mail server"),
];

pub(super) const ANSWERS: [&str; 5] = [
    "Done. I changed the files below and ran the tests; all of them pass.",
    "I have added it behind the existing page. Have a look at the preview before it goes live.",
    "This needed a small change to the API as well. Both are in one commit.",
    "I kept the old behaviour for callers that rely on it, and noted it in the code.",
    "Finished. One thing to decide later: the limit is 50 rows for now.",
];

pub(super) const TABLES: [&str; 8] =
    ["orders", "customers", "products", "sessions", "pages", "images", "invoices", "incidents"];

pub(super) const ENDPOINTS: [&str; 6] = [
    "GET /api/search",
    "POST /api/orders",
    "GET /api/export.csv",
    "PUT /api/profile",
    "DELETE /api/drafts/:id",
    "GET /healthz",
];

/// Files of every project, with their types.
pub(super) const FILES: [(&str, &str); 16] = [
    ("README.md", "text/markdown"),
    ("package.json", "application/json"),
    ("package-lock.json", "application/json"),
    ("Dockerfile", "text/plain"),
    ("src/index.ts", "text/typescript"),
    ("src/server.ts", "text/typescript"),
    ("src/api/list.ts", "text/typescript"),
    ("src/db/queries.ts", "text/typescript"),
    ("src/pages/list.tsx", "text/typescript"),
    ("src/pages/login.tsx", "text/typescript"),
    ("src/components/button.tsx", "text/typescript"),
    ("src/styles/tokens.css", "text/css"),
    ("src/styles/footer.css", "text/css"),
    ("public/logo.svg", "image/svg+xml"),
    ("public/hero.webp", "image/webp"),
    ("tests/price.test.ts", "text/typescript"),
];
