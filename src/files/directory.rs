//! A directory, which is nothing but the beginning of its files' paths.

/// The beginning that paths in a directory share: empty for all of them, else it ends in `/`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory(String);

/// One step of the way to a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is called there; empty between two slashes.
    pub name: String,
    pub directory: Directory,
}

impl Directory {
    /// Where every path begins.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// The directory that `path` names, with or without its last slash.
    #[must_use]
    pub fn new(path: &str) -> Self {
        if path.is_empty() || path.ends_with('/') { Self(path.to_owned()) } else { Self(format!("{path}/")) }
    }

    #[must_use]
    pub fn of_file(path: &str) -> Self {
        Self(path.rfind('/').map_or("", |slash| path.get(..=slash).unwrap_or_default()).to_owned())
    }

    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self(format!("{}{name}/", self.0))
    }

    /// What its files' paths begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.0
    }

    /// The first text that sorts after all paths in it, byte by byte: `0` follows `/`. None for the root.
    #[must_use]
    pub fn end(&self) -> Option<String> {
        self.0.strip_suffix('/').map(|path| format!("{path}0"))
    }

    /// The way to it from the root, itself last; nothing for the root.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let slashes = self.0.match_indices('/');
        let mut start = 0;
        slashes
            .map(|(slash, _)| {
                let name = self.0.get(start..slash).unwrap_or_default().to_owned();
                start = slash + 1;
                Step { name, directory: Self(self.0.get(..=slash).unwrap_or_default().to_owned()) }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_the_beginning_of_a_path() {
        assert_eq!(Directory::new("src/app"), Directory::new("src/app/"));
        assert_eq!(Directory::new("src/app").end().as_deref(), Some("src/app0"));
        assert_eq!(Directory::root().end(), None);
        assert_eq!(Directory::root().child("src").child("app"), Directory::new("src/app"));
        assert_eq!(Directory::of_file("src/app/x.ts"), Directory::new("src/app"));
        assert_eq!(Directory::of_file("README.md"), Directory::root());
    }

    #[test]
    fn odd_paths_are_only_names() {
        for (path, names) in [
            ("../../etc", vec!["..", "..", "etc"]),
            ("/", vec![""]),
            ("//srv//x", vec!["", "", "srv", "", "x"]),
            ("a\\b", vec!["a\\b"]),
            ("\u{202e}txt/🦀", vec!["\u{202e}txt", "🦀"]),
        ] {
            let directory = Directory::new(path);
            let steps = directory.steps();
            assert_eq!(steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), names, "{path}");
            assert_eq!(steps.last().map(|step| &step.directory), Some(&directory), "{path}");
            // Every step is a child of the one before it.
            let mut here = Directory::root();
            for step in steps {
                here = here.child(&step.name);
                assert_eq!(here, step.directory, "{path}");
            }
        }
    }
}
