//! What runs where, as a panel of a project's overview.

use crate::activity::deployed::Deployed;
use crate::activity::timeline;
use crate::web::activity::presenter::TimelinePresenter;
use crate::web::display::{Badge, Link, in_short};
use crate::web::time::Timestamp;
use crate::web::{state, urls};

/// See `templates/projects/_deployed.html`.
#[derive(Debug, Clone)]
pub struct DeployedRow {
    /// Its name, and its deployments.
    pub environment: Link,
    /// Whether something runs there, and whether the last try failed.
    pub badge: Badge,
    /// What runs there; none when nothing ever went well.
    pub good: Option<Release>,
    /// What failed since.
    pub failed: Option<Release>,
}

/// One deployment.
#[derive(Debug, Clone)]
pub struct Release {
    /// Its entry.
    pub url: String,
    /// The commit in short, and everything that carries it.
    pub commit: Option<Link>,
    pub by: String,
    pub at: Timestamp,
}

/// Characters of a name, and of a commit.
const NAME_SHOWN: usize = 60;
const COMMIT_SHOWN: usize = 8;

impl DeployedRow {
    /// `deployed`, whose deployments stand on the timeline at `activity_url`.
    #[must_use]
    pub fn new(deployed: &Deployed, activity_url: &str, presenter: &TimelinePresenter) -> Self {
        let name = deployed.environment.as_deref();
        let wanted = [("type", Some("deployment")), ("environment", name)];
        let pairs: Vec<_> = wanted.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        let release = |entry: &timeline::Entry| Release::new(entry, presenter);
        Self {
            environment: Link::new(
                in_short(name.unwrap_or("no environment"), NAME_SHOWN),
                urls::with_query(activity_url, &pairs),
            ),
            badge: match (&deployed.good, &deployed.failed) {
                (_, Some(_)) => Badge { label: "last one failed".to_owned(), ..state::badge("failed") },
                (_, None) => Badge { label: "deployed".to_owned(), ..state::badge("running") },
            },
            good: deployed.good.as_ref().map(release),
            failed: deployed.failed.as_ref().map(release),
        }
    }
}

impl Release {
    fn new(entry: &timeline::Entry, presenter: &TimelinePresenter) -> Self {
        let commit = entry.references.iter().find(|reference| reference.key == "commit_sha");
        Self {
            url: presenter.page_of(entry),
            commit: commit.map(|commit| {
                let short: String = commit.value.chars().take(COMMIT_SHOWN).collect();
                Link::new(short, urls::reference(&commit.key, &commit.value))
            }),
            by: in_short(&entry.actor.name, NAME_SHOWN),
            at: Timestamp::from_millis(entry.moment.ms, presenter.now, presenter.zone),
        }
    }
}
