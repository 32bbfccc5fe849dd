//! Who lives in the invented world, and what they build.

use uuid::Uuid;

use super::chance::Chance;

/// Somebody who can sign in.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub id: Uuid,
    pub email: &'static str,
    pub name: &'static str,
    pub role: &'static str,
    pub time_zone: &'static str,
    /// When the working day starts, in hours UTC.
    pub starts_at: i64,
    pub ip: &'static str,
    pub user_agent: &'static str,
}

/// The addresses of the three people.
pub(super) const EMAILS: [&str; 3] = ["admin@demo.test", "ada@demo.test", "grace@demo.test"];

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15";

/// The admin and the two owners, in the order of [`EMAILS`].
pub(super) fn people(chance: &mut Chance) -> [Person; 3] {
    let [admin, ada, grace] = EMAILS;
    let mut person = |email, name, role, time_zone, starts_at, ip, user_agent| Person {
        id: chance.uuid(),
        email,
        name,
        role,
        time_zone,
        starts_at,
        ip,
        user_agent,
    };
    [
        person(admin, "Admin", "admin", "UTC", 9, "192.0.2.10", FIREFOX),
        person(ada, "Ada Lovelace", "owner", "Europe/London", 8, "198.51.100.24", FIREFOX),
        person(grace, "Grace Hopper", "owner", "America/New_York", 13, "2001:db8::c0de", SAFARI),
    ]
}

/// A project and its container, before anything happens to them.
#[derive(Debug, Clone)]
pub(super) struct Project {
    pub id: Uuid,
    pub owner: Person,
    pub name: String,
    /// The name where only letters, digits and hyphens go: apps, repositories, databases.
    pub slug: &'static str,
    pub kind: &'static str,
    pub description: &'static str,
    /// Its first day, in days before now.
    pub born: i64,
    /// Its last day, in days before now; it is archived then. None while work goes on.
    pub archived: Option<i64>,
    /// How much happens on an ordinary day, in percent.
    pub pace: i64,
    pub container: Option<Container>,
}

/// A container as its worker described it.
#[derive(Debug, Clone)]
pub(super) struct Container {
    pub id: Uuid,
    /// The engine's id.
    pub engine_id: String,
    pub status: &'static str,
    pub port: i64,
}

impl Project {
    /// The project's id as actions hold it.
    pub(super) fn key(&self) -> String {
        self.id.hyphenated().to_string()
    }

    /// The owner's id as actions hold it.
    pub(super) fn user(&self) -> String {
        self.owner.id.hyphenated().to_string()
    }
}

/// Ada's five projects and Grace's four: one archived, one without a container, some with odd names.
pub(super) fn projects(chance: &mut Chance, people: &[Person; 3]) -> Vec<Project> {
    let [_, ada, grace] = people;
    let mut port = 3000;
    let mut project =
        |owner: &Person, name: &str, slug, kind, description, born, pace, status: &'static str| {
            port += 1;
            let container = (!status.is_empty()).then(|| Container {
                id: chance.uuid(),
                engine_id: chance.hex(64),
                status,
                port,
            });
            let archived = (slug == "invoice-mailer").then_some(38);
            let id = chance.uuid();
            Project {
                id,
                owner: owner.clone(),
                name: name.to_owned(),
                slug,
                kind,
                description,
                born,
                archived,
                pace,
                container,
            }
        };
    let long = format!("customer-portal-{}", "of-the-northern-region-".repeat(8));
    vec![
        project(ada, "shop-api", "shop-api", "nextjs", "Catalogue, cart and checkout", 118, 150, "running"),
        project(ada, "docs-site", "docs-site", "vue", "Handbook and API reference", 112, 80, "running"),
        project(ada, "image-resizer", "image-resizer", "node", "Thumbnails on the fly", 96, 90, "stopped"),
        project(
            ada,
            "invoice-mailer",
            "invoice-mailer",
            "python",
            "Sends invoices; replaced by shop-api",
            117,
            70,
            "stopped",
        ),
        project(
            ada,
            "<script>alert(1)</script>",
            "form-probe",
            "react",
            "A form that escapes what it shows",
            60,
            40,
            "",
        ),
        project(grace, "status-page", "status-page", "nextjs", "Is it up?", 115, 120, "running"),
        project(
            grace,
            "recipe-box",
            "recipe-box",
            "svelte",
            "Recipes with a shopping list",
            89,
            90,
            "running",
        ),
        project(grace, "team-wiki", "team-wiki", "vue", "What the team knows", 105, 100, "running"),
        project(
            grace,
            &long[..200],
            "customer-portal",
            "react",
            "Orders and invoices of customers",
            20,
            60,
            "created",
        ),
    ]
}
