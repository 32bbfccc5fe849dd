//! What other programs are asked: a model, the CRM, a Git host.

use ipnetwork::IpNetwork;
use url::Url;

use super::Reader;
use crate::secret::Secret;

/// An OpenAI-compatible endpoint.
#[derive(Debug, Clone)]
pub struct ModelSettings {
    /// `PILOTHOUSE_AI_URL`: where `/chat/completions` is.
    pub url: Url,
    /// `PILOTHOUSE_AI_KEY`
    pub key: Option<Secret>,
    /// `PILOTHOUSE_AI_MODEL`
    pub model: String,
    /// `PILOTHOUSE_AI_DAILY_TOKENS`: in and out, of all instances.
    pub daily_tokens: u64,
    /// `PILOTHOUSE_AI_PRICES`: US dollars for a million tokens in, and out.
    pub prices: Option<(f64, f64)>,
}

/// The CRM that posted drafts are told to.
#[derive(Debug, Clone)]
pub struct CrmSettings {
    /// `PILOTHOUSE_GHL_URL`
    pub url: Url,
    /// `PILOTHOUSE_GHL_TOKEN`
    pub token: Secret,
    /// `PILOTHOUSE_GHL_LOCATION`
    pub location: String,
    /// `PILOTHOUSE_GHL_PIPELINE`
    pub pipeline: String,
}

/// The repository whose pages posted drafts are published on.
#[derive(Debug, Clone)]
pub struct PagesSettings {
    /// `PILOTHOUSE_PAGES_REPO`: the repository's address in the Git host's API, which ends in `repos/OWNER/NAME`.
    pub repository: Url,
    /// `PILOTHOUSE_PAGES_TOKEN`
    pub token: Secret,
}

#[derive(Debug, Clone, Default)]
pub struct OutsideSettings {
    /// `PILOTHOUSE_PRIVATE_TARGETS`: what may be asked although it is no address of the internet.
    pub private_targets: Vec<IpNetwork>,
    pub model: Option<ModelSettings>,
    pub crm: Option<CrmSettings>,
    pub pages: Option<PagesSettings>,
}

const USUAL_CRM: &str = "https://services.leadconnectorhq.com";
const USUAL_GIT_HOST: &str = "https://api.github.com";
const NO_ADDRESS: &str = "is not an address such as https://api.example.org/v1, without a login, ? or #";

impl OutsideSettings {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            private_targets: reader.networks("PILOTHOUSE_PRIVATE_TARGETS"),
            model: model(reader),
            crm: crm(reader),
            pages: pages(reader),
        }
    }
}

/// An address that paths can be added to.
fn endpoint(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let is_plain = !text.contains(['@', '?', '#']);
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
        return None;
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(url)
}

/// Whether none or all of `names` are set; tells of those that are missing.
fn are_together(reader: &mut Reader, names: &[&'static str]) -> bool {
    let missing: Vec<&'static str> =
        names.iter().copied().filter(|name| reader.optional(name).is_none()).collect();
    if missing.len() == names.len() {
        return false;
    }
    for name in &missing {
        reader.problem(name, format!("is needed beside {}", others(names, name)));
    }
    missing.is_empty()
}

fn others(names: &[&str], name: &str) -> String {
    names.iter().copied().filter(|other| *other != name).collect::<Vec<_>>().join(" and ")
}

fn model(reader: &mut Reader) -> Option<ModelSettings> {
    let daily_tokens = reader.number("PILOTHOUSE_AI_DAILY_TOKENS", 1_000_000, 0..=1_000_000_000_000);
    let prices = reader.optional("PILOTHOUSE_AI_PRICES").and_then(|text| {
        let price = |text: &str| text.trim().parse::<f64>().ok().filter(|price| (0.0..=1e6).contains(price));
        let read = text.split_once(',').and_then(|(input, output)| Some((price(input)?, price(output)?)));
        if read.is_none() {
            reader.problem("PILOTHOUSE_AI_PRICES", "is not two amounts such as 0.15,0.60");
        }
        read
    });
    let address = reader.optional("PILOTHOUSE_AI_URL");
    let url = address.as_deref().and_then(endpoint);
    if address.is_some() && url.is_none() {
        reader.problem("PILOTHOUSE_AI_URL", NO_ADDRESS);
    }
    if !are_together(reader, &["PILOTHOUSE_AI_URL", "PILOTHOUSE_AI_MODEL"]) {
        return None;
    }
    let mut url = url?;
    let path = url.path().trim_end_matches("/chat/completions").to_owned();
    url.set_path(&path);
    let key = reader.optional("PILOTHOUSE_AI_KEY").map(Secret::new);
    Some(ModelSettings { url, key, model: reader.optional("PILOTHOUSE_AI_MODEL")?, daily_tokens, prices })
}

fn crm(reader: &mut Reader) -> Option<CrmSettings> {
    let names = ["PILOTHOUSE_GHL_TOKEN", "PILOTHOUSE_GHL_LOCATION", "PILOTHOUSE_GHL_PIPELINE"];
    let url = endpoint(&reader.optional("PILOTHOUSE_GHL_URL").unwrap_or_else(|| USUAL_CRM.to_owned()));
    if url.is_none() {
        reader.problem("PILOTHOUSE_GHL_URL", NO_ADDRESS);
    }
    if !are_together(reader, &names) {
        return None;
    }
    Some(CrmSettings {
        url: url?,
        token: Secret::new(reader.optional(names[0])?),
        location: reader.optional(names[1])?,
        pipeline: reader.optional(names[2])?,
    })
}

fn pages(reader: &mut Reader) -> Option<PagesSettings> {
    let names = ["PILOTHOUSE_PAGES_REPO", "PILOTHOUSE_PAGES_TOKEN"];
    let text = reader.optional(names[0]);
    // A name alone is one of GitHub's.
    let repository = text.as_ref().and_then(|text| {
        let address =
            if text.contains("://") { text.clone() } else { format!("{USUAL_GIT_HOST}/repos/{text}") };
        endpoint(&address).filter(|url| {
            let path: Vec<&str> = url.path().trim_start_matches('/').split('/').collect();
            matches!(path.as_slice(), [.., "repos", owner, name] if !owner.is_empty() && !name.is_empty())
        })
    });
    if text.is_some() && repository.is_none() {
        reader.problem(
            names[0],
            "is neither OWNER/NAME nor an address such as https://git.example.org/api/v1/repos/OWNER/NAME",
        );
    }
    if !are_together(reader, &names) {
        return None;
    }
    Some(PagesSettings { repository: repository?, token: Secret::new(reader.optional(names[1])?) })
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, Vec<&'static str>> {
        let values = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::from_values(values).map_err(|problems| problems.iter().map(|p| p.variable).collect())
    }

    #[test]
    fn what_belongs_together_is_set_together() {
        assert_eq!(read(&[("PILOTHOUSE_AI_URL", "https://x.test/v1")]).unwrap_err(), ["PILOTHOUSE_AI_MODEL"]);
        assert_eq!(
            read(&[("PILOTHOUSE_GHL_TOKEN", "secret")]).unwrap_err(),
            ["PILOTHOUSE_GHL_LOCATION", "PILOTHOUSE_GHL_PIPELINE"]
        );
        assert_eq!(read(&[("PILOTHOUSE_PAGES_REPO", "ada/pages")]).unwrap_err(), ["PILOTHOUSE_PAGES_TOKEN"]);
        let token = ("PILOTHOUSE_PAGES_TOKEN", "secret");
        for odd in ["pages", "https://x.test/ada/pages", "https://me:pw@x.test/repos/a/b"] {
            assert_eq!(
                read(&[token, ("PILOTHOUSE_PAGES_REPO", odd)]).unwrap_err(),
                ["PILOTHOUSE_PAGES_REPO"]
            );
        }
        let config = read(&[
            token,
            ("PILOTHOUSE_PAGES_REPO", "ada/pages"),
            ("PILOTHOUSE_AI_URL", "https://x.test/v1/chat/completions/"),
            ("PILOTHOUSE_AI_MODEL", "small"),
            ("PILOTHOUSE_AI_PRICES", "0.15, 0.6"),
        ])
        .unwrap();
        assert_eq!(
            config.outside.pages.unwrap().repository.as_str(),
            "https://api.github.com/repos/ada/pages"
        );
        let model = config.outside.model.unwrap();
        assert_eq!(model.url.as_str(), "https://x.test/v1");
        assert_eq!(model.prices, Some((0.15, 0.6)));
    }
}
