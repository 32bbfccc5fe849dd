//! Who sent somebody here: `?ref=` and `?source=`, of which the first and the newest are kept.

pub mod codes;

use serde::{Deserialize, Serialize};

/// The longest `ref` and `source`.
const LONGEST: usize = 64;

/// One link that somebody followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub developer_ref: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Hop {
    /// What an address says; nothing where it says nothing that can be kept.
    #[must_use]
    pub fn read(developer_ref: Option<&str>, source: Option<&str>) -> Option<Self> {
        let word = |text: Option<&str>| text.map(str::trim).filter(|text| is_word(text)).map(str::to_owned);
        let hop = Self { developer_ref: word(developer_ref), source: word(source) };
        (hop != Self::default()).then_some(hop)
    }

    fn in_chain(&self) -> String {
        format!(
            "{}:{}",
            self.source.as_deref().unwrap_or("direct"),
            self.developer_ref.as_deref().unwrap_or("-")
        )
    }
}

/// `[A-Za-z0-9._-]{1,64}`
#[must_use]
pub fn is_word(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// Who a session is credited to. The first link that named somebody counts; the newest is kept beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    pub developer_ref: Option<String>,
    pub source: Option<String>,
    #[serde(default)]
    first: Option<Hop>,
    #[serde(default)]
    newest: Option<Hop>,
    /// As it is stored, where it was read from a row.
    #[serde(skip)]
    stored: Option<String>,
}

impl Attribution {
    /// What a row holds.
    #[must_use]
    pub fn of_row(developer_ref: Option<String>, source: Option<String>, chain: Option<String>) -> Self {
        Self { developer_ref, source, first: None, newest: None, stored: chain }
    }

    /// With one more link that was followed. The same one again changes nothing.
    #[must_use]
    pub fn followed(mut self, hop: Hop) -> Self {
        let Some(first) = &self.first else {
            (self.developer_ref, self.source) = (hop.developer_ref.clone(), hop.source.clone());
            self.first = Some(hop);
            return self;
        };
        if *first == hop && self.newest.is_none() || self.newest.as_ref() == Some(&hop) {
            return self;
        }
        if self.developer_ref.is_none() {
            self.developer_ref.clone_from(&hop.developer_ref);
        }
        self.newest = Some(hop);
        self
    }

    /// What this becomes when the browser has followed other links meanwhile; nothing when it has not. The first one stays.
    #[must_use]
    pub fn after(&self, waiting: &Self) -> Option<Self> {
        let newest = waiting.newest.as_ref().or(waiting.first.as_ref())?.in_chain();
        let own = self.chain();
        let chain = match own.as_deref().map(|chain| chain.split_once('>').unwrap_or((chain, ""))) {
            None => waiting.chain()?,
            Some((first, last)) if last == newest || last.is_empty() && first == newest => return None,
            Some((first, _)) => format!("{first}>{newest}"),
        };
        let source = if own.is_none() { waiting.source.clone() } else { self.source.clone() };
        let developer_ref = self.developer_ref.clone().or_else(|| waiting.developer_ref.clone());
        Some(Self::of_row(developer_ref, source, Some(chain)))
    }

    /// `source:ref>source:ref`, the first and the newest.
    #[must_use]
    pub fn chain(&self) -> Option<String> {
        if let Some(stored) = &self.stored {
            return Some(stored.clone());
        }
        let first = self.first.as_ref()?.in_chain();
        Some(match &self.newest {
            Some(newest) => format!("{first}>{}", newest.in_chain()),
            None => first,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(developer_ref: &str, source: &str) -> Hop {
        Hop::read(Some(developer_ref), Some(source)).unwrap()
    }

    #[test]
    fn the_first_and_the_newest_link_are_kept_and_the_first_counts() {
        let one = Attribution::default().followed(hop("ada", "mail"));
        assert_eq!(one.chain().as_deref(), Some("mail:ada"));
        let same = one.clone().followed(hop("ada", "mail"));
        assert_eq!(same, one);
        let two = one.followed(hop("bob", "blog")).followed(hop("cy", "talk"));
        assert_eq!(two.chain().as_deref(), Some("mail:ada>talk:cy"));
        assert_eq!((two.developer_ref.as_deref(), two.source.as_deref()), (Some("ada"), Some("mail")));
        let late =
            Attribution::default().followed(Hop::read(None, Some("ad")).unwrap()).followed(hop("bob", "x"));
        assert_eq!(late.developer_ref.as_deref(), Some("bob"), "the first that names somebody");
        assert_eq!(late.chain().as_deref(), Some("ad:->x:bob"));
        let running =
            Attribution::of_row(Some("ada".to_owned()), Some("mail".to_owned()), Some("mail:ada".to_owned()));
        assert_eq!(running.after(&Attribution::default().followed(hop("ada", "mail"))), None);
        let later = running.after(&two).unwrap();
        assert_eq!(
            (later.chain().as_deref(), later.developer_ref.as_deref()),
            (Some("mail:ada>talk:cy"), Some("ada"))
        );
        assert_eq!(later.after(&two), None);
        let unknown = Attribution::default().after(&two).unwrap();
        assert_eq!(
            (unknown.chain().as_deref(), unknown.source.as_deref()),
            (Some("mail:ada>talk:cy"), Some("mail"))
        );
        let longest = "m".repeat(64);
        let chain =
            Attribution::default().followed(hop(&longest, &longest)).followed(hop("a", &longest)).chain();
        assert!(chain.unwrap().len() <= 500);
    }

    #[test]
    fn what_is_no_word_is_not_kept() {
        for bad in ["", " ", "a b", "<script>", "é", "a>b", "a:b", &"m".repeat(65)] {
            assert_eq!(Hop::read(Some(bad), Some(bad)), None, "{bad}");
        }
        assert_eq!(Hop::read(Some("a.b_c-1"), Some("?")).unwrap().source, None);
        assert_eq!(Attribution::default().chain(), None);
    }
}
