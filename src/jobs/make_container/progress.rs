//! How far a pull is.

use std::collections::BTreeMap;
use std::fmt;

use crate::engine::PullStep;

/// Its layers: whether each is here, and how much of it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    layers: BTreeMap<String, (bool, i64, i64)>,
}

impl Progress {
    pub(super) fn take(&mut self, step: PullStep) {
        let Some(layer) = step.layer else { return };
        // The first word of all names the tag, as if it were a layer.
        if step.word.starts_with("Pulling from") {
            return;
        }
        let (is_here, bytes, all) = self.layers.entry(layer).or_default();
        *is_here |= matches!(step.word.as_str(), "Pull complete" | "Already exists");
        if let Some((current, total)) = step.bytes.filter(|_| step.word == "Downloading") {
            (*bytes, *all) = (current, total);
        }
        if step.word == "Download complete" || *is_here {
            *bytes = *all;
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let here = self.layers.values().filter(|(is_here, ..)| *is_here).count();
        let (bytes, all) = self.layers.values().fold((0, 0), |(b, a), (_, bytes, all)| (b + bytes, a + all));
        write!(f, "{here} of {} layers are here", self.layers.len())?;
        if all > 0 {
            // Tenths of a megabyte.
            let tenths = |bytes: i64| format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10);
            write!(f, ", {} of {} MB are loaded", tenths(bytes), tenths(all))?;
        }
        f.write_str(".")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_is_told_by_layers_and_bytes() {
        let mut progress = Progress::default();
        let mut step = |layer: Option<&str>, word: &str, bytes| {
            progress.take(PullStep { layer: layer.map(str::to_owned), word: word.to_owned(), bytes });
        };
        step(Some("alpine"), "Pulling from library/nginx", None);
        step(Some("a"), "Already exists", None);
        step(Some("b"), "Downloading", Some((1_500_000, 2_500_000)));
        step(Some("c"), "Downloading", Some((10, 500_000)));
        step(Some("c"), "Download complete", None);
        step(Some("c"), "Extracting", Some((3, 4)));
        step(None, "Status: working", None);
        assert_eq!(progress.to_string(), "1 of 3 layers are here, 2.0 of 3.0 MB are loaded.");
    }
}
