//! The part of a text that holds what was searched for.

use crate::db::spelling::spellings;
use crate::web::display::beginning;

/// A text around a hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub before: String,
    /// The hit, as it is written there.
    pub hit: String,
    pub after: String,
}

/// Characters on either side of the hit.
const AROUND: usize = 120;

impl Excerpt {
    /// The first place in `text` that holds `wanted`, in any case and spelling; the beginning when there is none.
    #[must_use]
    pub fn new(text: &str, wanted: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let lower: Vec<char> = characters.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
        let place = |wanted: String| {
            let wanted: Vec<char> = wanted.chars().flat_map(char::to_lowercase).collect();
            let start = lower.windows(wanted.len().max(1)).position(|window| window == wanted)?;
            Some((start, start + wanted.len()))
        };
        let Some((start, end)) = spellings(wanted).into_iter().find_map(place) else {
            let (start, more) = beginning(text, 2 * AROUND);
            let after = if more { format!("{start}…") } else { start.to_owned() };
            return Self { before: String::new(), hit: String::new(), after };
        };
        let (from, to) = (start.saturating_sub(AROUND), (end + AROUND).min(characters.len()));
        let part = |range: std::ops::Range<usize>| characters.get(range).unwrap_or_default().iter().collect();
        let (before, after): (String, String) = (part(from..start), part(end..to));
        Self {
            before: if from > 0 { format!("…{before}") } else { before },
            hit: part(start..end),
            after: if to < characters.len() { format!("{after}…") } else { after },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_holds_the_hit_as_it_is_written() {
        let excerpt = Excerpt::new("Please add a Search field", "search");
        assert_eq!((excerpt.before.as_str(), excerpt.hit.as_str()), ("Please add a ", "Search"));
        assert_eq!(excerpt.after, " field");
        let long = format!("{}ÄPFEL{}", "x".repeat(500), "y".repeat(500));
        let excerpt = Excerpt::new(&long, "äpfel");
        assert_eq!(excerpt.hit, "ÄPFEL");
        assert_eq!(excerpt.before.chars().count(), AROUND + 1);
        assert_eq!(excerpt.after.chars().count(), AROUND + 1);
        assert_eq!(Excerpt::new("nothing", "else").after, "nothing");
        assert_eq!(Excerpt::new("", "").hit, "");
    }
}
