use crate::runtime::Entropy;

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Read,
    Report,
    Operate,
}

impl Scope {
    pub const ALL: [Self; 3] = [Self::Read, Self::Report, Self::Operate];

    /// The stored word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Report => "report",
            Self::Operate => "operate",
        }
    }

    /// What it allows, for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Read => "Read projects, containers and what happened",
            Self::Report => "Report activities, events and records",
            Self::Operate => "Start, stop and restart containers",
        }
    }

    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// At least one scope, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenScopes(Vec<Scope>);

impl TokenScopes {
    /// # Errors
    /// A sentence for the person who chose them.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut chosen = Vec::new();
        for word in words {
            match Scope::from_stored(word.trim()) {
                Some(scope) => chosen.push(scope),
                None => return Err("A scope is read, report or operate.".to_owned()),
            }
        }
        let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| chosen.contains(scope)).collect();
        if scopes.is_empty() {
            return Err("Choose what the token may do: read, report or operate.".to_owned());
        }
        Ok(Self(scopes))
    }

    #[must_use]
    pub fn words(&self) -> Vec<&'static str> {
        self.0.iter().map(|scope| scope.as_str()).collect()
    }
}

/// What a token is called, so that its maker knows it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    const LONGEST: usize = 100;

    /// # Errors
    /// A sentence for the person who typed it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.trim();
        if name.is_empty() {
            return Err("Give it a name that says who uses it, such as CI of shop.".to_owned());
        }
        if name.chars().count() > Self::LONGEST {
            return Err(format!("Use at most {} characters.", Self::LONGEST));
        }
        if name.chars().any(char::is_control) {
            return Err("A name has no line breaks or control characters.".to_owned());
        }
        Ok(Self(name.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A fresh token, as its holder sends it.
#[must_use]
pub fn new_secret(entropy: Entropy) -> String {
    format!("ph_{}", entropy.secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_chosen_once_each_and_one_at_least() {
        let words = |chosen: &[&str]| TokenScopes::parse(chosen.iter().copied()).map(|scopes| scopes.words());
        assert_eq!(words(&["report", "read", "report"]), Ok(vec!["read", "report"]));
        assert!(words(&[]).is_err() && words(&["admin"]).is_err() && words(&["read", ""]).is_err());
    }

    #[test]
    fn a_name_is_a_line() {
        assert_eq!(TokenName::parse("  CI of shop ").unwrap().as_str(), "CI of shop");
        for bad in ["", "   ", "a\nb", &"m".repeat(101)] {
            assert!(TokenName::parse(bad).is_err(), "{bad}");
        }
    }
}
