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

/// How an answer begins.
pub(super) const PLANS: [&str; 6] = [
    "I'll do this in one commit, so that it can be taken back in one. These files change:",
    "That fits behind the existing page. **Nothing that calls it has to change.**",
    "This needs a small change to the API as well. I'll keep the old behaviour for callers that rely on it.",
    "Good idea. Before I start: the limit stays at `50` rows, unless you tell me otherwise.",
    "I looked at how it is done elsewhere in the code and will do it ~~a new way~~ the same way here.",
    "Yes. This is what I am going to touch:",
];

/// What a change to a file is about.
pub(super) const ASIDES: [&str; 8] = [
    "reads the new parameter and checks it",
    "keeps the order stable when two rows are equal",
    "moves the query behind an index",
    "gets a test for the empty case",
    "shows what was found, and what to do when nothing was",
    "loses a special case that nobody needs",
    "says in a comment *why*, not what",
    "handles an answer that never comes",
];

/// What somebody asks who reads code for the first time.
pub(super) const QUESTIONS: [&str; 8] = [
    "What calls this?",
    "Why is that a `Map` and not an object?",
    "Is there a test for it?",
    "What happens when the list is empty?",
    "Could this be slow with many rows?",
    "Go on.",
    "Which of the two is right?",
    "Where does the number come from?",
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

/// What every project begins with.
pub(super) const FILES: [&str; 18] = [
    "README.md",
    "package.json",
    "package-lock.json",
    "Dockerfile",
    "src/index.ts",
    "src/server.ts",
    "src/flags.ts",
    "src/legacy.ts",
    "src/api/list.ts",
    "src/db/queries.ts",
    "src/pages/list.tsx",
    "src/pages/login.tsx",
    "src/components/button.tsx",
    "src/styles/tokens.css",
    "src/styles/footer.css",
    "public/logo.svg",
    "public/hero.webp",
    "tests/price.test.ts",
];
