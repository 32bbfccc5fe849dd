//! What somebody wants a new container to be made of.

use serde::{Deserialize, Serialize};

use crate::engine::{EngineName, ImageName, Restart};
use crate::secret::Secret;

/// A container that is to be made.
#[derive(Debug, Clone)]
pub struct NewContainer {
    pub image: ImageName,
    /// Where its own volume lies in it.
    pub volume: Option<MountPath>,
    pub restart: Restart,
    pub environment: Environment,
}

/// What is kept of it: of environment variables the names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Making {
    pub image: String,
    pub volume: Option<String>,
    pub restart: String,
    pub environment: Vec<String>,
    /// Whether the project begins with it.
    #[serde(default)]
    pub begins_project: bool,
    /// Whether it is of the demo's life.
    #[serde(default)]
    pub is_demo: bool,
}

impl Making {
    #[must_use]
    pub fn of(container: &NewContainer) -> Self {
        Self {
            image: container.image.to_string(),
            volume: container.volume.as_ref().map(|path| path.as_str().to_owned()),
            restart: container.restart.as_str().to_owned(),
            environment: container.environment.names(),
            begins_project: false,
            is_demo: false,
        }
    }
}

/// Where a volume lies in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPath(String);

/// What a container has of its own there.
const TAKEN: [&str; 9] = ["/proc", "/sys", "/dev", "/etc", "/bin", "/sbin", "/lib", "/usr", "/run"];

impl MountPath {
    /// Checks `text`; nothing means no volume.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let text = text.trim().trim_end_matches('/');
        if text.is_empty() {
            return Ok(None);
        }
        let is_part = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let well_formed =
            text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_part)) && text.len() <= 200;
        if !well_formed {
            return Err(
                "Use a path such as /data, of letters, digits, dots, dashes and underscores.".to_owned()
            );
        }
        let is_below = |taken: &str| {
            text.strip_prefix(taken).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match TAKEN.iter().find(|taken| is_below(taken)) {
            Some(taken) => {
                Err(format!("The container has its own {taken}. Choose another path, such as /data."))
            }
            None => Ok(Some(Self(text.to_owned()))),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Environment variables, whose values nobody sees again.
#[derive(Debug, Clone, Default)]
pub struct Environment(Vec<(String, Secret)>);

impl Environment {
    const MOST: usize = 100;
    const LONGEST: usize = 32 * 1024;

    /// Reads `NAME=value` lines.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > Self::LONGEST {
            return Err("Use at most 32 kB in all.".to_owned());
        }
        let mut pairs: Vec<(String, Secret)> = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line_number = number + 1;
            // What is wrong is told without the line: it may hold a secret.
            let (name, value) =
                line.split_once('=').ok_or(format!("Line {line_number} is not of the form NAME=value."))?;
            let name = name.trim();
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
                && name.len() <= 200;
            if !is_name {
                return Err(format!(
                    "Line {line_number} has no name of letters, digits and underscores before the =."
                ));
            }
            if name == "PORT" {
                return Err("PORT is set to the port that the container is reached at.".to_owned());
            }
            if pairs.iter().any(|(known, _)| known == name) {
                return Err(format!("{name} comes twice."));
            }
            pairs.push((name.to_owned(), Secret::new(value.trim_end_matches('\r'))));
        }
        if pairs.len() > Self::MOST {
            return Err(format!("Use at most {} variables.", Self::MOST));
        }
        Ok(Self(pairs))
    }

    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|(name, _)| name.clone()).collect()
    }

    /// All of it as one text to be sealed; nothing when there is none.
    #[must_use]
    pub fn to_text(&self) -> Option<Secret> {
        let lines: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name}={}", value.reveal())).collect();
        (!lines.is_empty()).then(|| Secret::new(lines.join("\n")))
    }

    #[must_use]
    pub fn into_pairs(self) -> Vec<(String, Secret)> {
        self.0
    }
}

/// What a new container is called after: its project's name as far as an engine takes it. A piece of its row's id
/// follows.
#[must_use]
pub fn name_after(project: &str) -> String {
    let mut slug = String::new();
    for c in project.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug: String = slug.chars().take(40).collect();
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "project".to_owned() } else { slug.to_owned() }
}

/// A name that somebody gives a container.
pub fn parse_name(text: &str) -> Result<EngineName, String> {
    text.trim().parse().map_err(|error: crate::engine::NotAName| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_lies_where_the_container_has_nothing_of_its_own() {
        assert_eq!(MountPath::parse(" /data/ ").unwrap().unwrap().as_str(), "/data");
        assert_eq!(MountPath::parse("  ").unwrap(), None);
        assert!(MountPath::parse("/etcetera").is_ok());
        for odd in ["data", "/a/../b", "/a//b", "/a:b", "/a,b", "/etc", "/etc/x", "/proc/1", "/é", "/a b"] {
            assert!(MountPath::parse(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn environment_variables_are_read_line_by_line_and_their_values_are_not_told() {
        let read = Environment::parse("A=1\r\n\nB_2= x=y \n").unwrap();
        assert_eq!(read.names(), ["A", "B_2"]);
        assert_eq!(read.to_text().unwrap().reveal(), "A=1\nB_2= x=y ");
        assert!(!format!("{read:?}").contains("x=y"));
        for odd in ["hunter2", "1A=hunter2", "=hunter2", "A B=hunter2", "A=1\nA=hunter2", "PORT=hunter2"] {
            assert!(!Environment::parse(odd).unwrap_err().contains("hunter2"), "{odd}");
        }
        assert!(Environment::parse("").unwrap().to_text().is_none());
    }

    #[test]
    fn a_container_is_called_after_its_project() {
        assert_eq!(name_after("Shop API (2)"), "shop-api-2");
        assert_eq!(name_after("日本"), "project");
        assert!(name_after(&"x-".repeat(50)).parse::<EngineName>().is_ok());
    }
}
