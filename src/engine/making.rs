//! What an engine is asked to make: names that are safe in an address, and plans built of nothing that a client sent.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnetwork::Ipv4Network;

use super::model::EngineId;
use crate::secret::Secret;

/// A name of ours for a container, a network or a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineName(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Use 2 to 100 letters, digits, dots, dashes and underscores; the first is a letter or a digit.")]
pub struct NotAName;

impl EngineName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EngineName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins_well && (2..=100).contains(&text.len()) && text.bytes().all(is_part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAName)
        }
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An image as one asks a registry for it: `nginx:alpine`, `host:5000/team/app@sha256:…`. It always says which: without
/// a tag an engine would fetch all that there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("That is no image's name, such as nginx:alpine.")]
pub struct NotAnImage;

impl ImageName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ImageName {
    type Err = NotAnImage;

    fn from_str(text: &str) -> Result<Self, NotAnImage> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:@".contains(&byte);
        let well_formed = |part: &str| {
            part.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
                && part.bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric())
                && part.bytes().all(is_part)
        };
        if text.len() > 255 || !text.split('/').all(well_formed) {
            return Err(NotAnImage);
        }
        let last = text.rsplit('/').next().unwrap_or_default();
        let says_which = last.contains([':', '@']);
        Ok(Self(if says_which { text.to_owned() } else { format!("{text}:latest") }))
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageInfo {
    /// What its first exposed TCP port is.
    pub port: Option<u16>,
}

/// A word of a pull: one layer's, or the image's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullStep {
    pub layer: Option<String>,
    pub word: String,
    /// Bytes of the layer that are here, and of all of it.
    pub bytes: Option<(i64, i64)>,
}

/// When an engine starts a container that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    #[default]
    Never,
    /// After a crash, up to three times.
    OnFailure,
    UnlessStopped,
}

impl Restart {
    /// Stored word and label of each.
    pub const OFFERED: [(Self, &'static str, &'static str); 3] = [
        (Self::Never, "never", "Never"),
        (Self::OnFailure, "on-failure", "After a crash, up to three times"),
        (Self::UnlessStopped, "unless-stopped", "Always, unless it was stopped"),
    ];

    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::OFFERED.iter().find(|(_, word, _)| *word == text).map(|(restart, _, _)| *restart)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::OFFERED.iter().find(|(restart, _, _)| *restart == self).map_or("never", |(_, word, _)| word)
    }
}

/// What a container may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub memory: i64,
    /// Billionths of a processor.
    pub nano_cpus: i64,
    pub processes: i64,
}

/// Where a container's port is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    pub address: IpAddr,
    pub port: u16,
    /// Its own port.
    pub inside: u16,
}

/// A container to be made.
#[derive(Debug, Clone)]
pub struct ContainerPlan {
    pub name: EngineName,
    pub image: ImageName,
    pub labels: BTreeMap<String, String>,
    pub environment: Vec<(String, Secret)>,
    /// A container whose own environment variables it gets besides; they never leave this room.
    pub environment_of: Option<EngineId>,
    pub published: Published,
    /// The network's id: an engine may have two of a name.
    pub network: String,
    /// A volume of its own, and where it lies.
    pub volume: Option<(EngineName, String)>,
    pub restart: Restart,
    pub limits: Limits,
    /// All that it may; every other capability is dropped.
    pub capabilities: Vec<String>,
}

/// A network to be made unless it is there.
#[derive(Debug, Clone)]
pub struct NetworkPlan {
    pub name: EngineName,
    pub labels: BTreeMap<String, String>,
    /// It gets sixteen addresses of these that no other network of the engine has.
    pub within: Ipv4Network,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_safe_in_an_address_is_a_name_or_an_image() {
        for good in ["shop-api", "a1", "A.b_c-d"] {
            assert!(good.parse::<EngineName>().is_ok(), "{good}");
        }
        for odd in ["", "a", "-ab", ".ab", "a/b", "a b", "a?b", "a%b", "é1", &"a".repeat(101)] {
            assert!(odd.parse::<EngineName>().is_err(), "{odd}");
        }
        for (typed, asked) in [
            ("nginx", "nginx:latest"),
            ("nginx:alpine", "nginx:alpine"),
            ("localhost:5000/team/app", "localhost:5000/team/app:latest"),
            ("ghcr.io/a/b@sha256:0123", "ghcr.io/a/b@sha256:0123"),
        ] {
            assert_eq!(typed.parse::<ImageName>().unwrap().as_str(), asked);
        }
        for odd in ["", "../version", "a/../b", "a//b", "/a", "a/", "a?b", "a#b", "a b", "a%2e", "a:", "-a"] {
            assert!(odd.parse::<ImageName>().is_err(), "{odd}");
        }
    }

    #[test]
    fn a_restart_policy_reads_back_from_what_it_stores() {
        for (restart, word, _) in Restart::OFFERED {
            assert_eq!((Restart::from_stored(word), restart.as_str()), (Some(restart), word));
        }
        assert_eq!(Restart::from_stored("always"), None);
    }
}
