//! The instance at a glance: one number a noun, and what it is made of.

use crate::instance::queries::{Figures, StateCount};

/// One number of the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// What is counted.
    pub label: &'static str,
    /// How many.
    pub value: String,
    /// What the number is made of.
    pub parts: Vec<Part>,
    /// Where they are listed.
    pub url: &'static str,
}

/// How many of one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Number and state: "3 running".
    pub label: String,
    /// Where those are listed, if anywhere.
    pub url: Option<String>,
}

/// States that don't count among what there is: it can come back, but it is out of sight.
const GONE: [&str; 2] = ["deleted", "deactivated"];

#[must_use]
pub fn figures(of: &Figures) -> Vec<Figure> {
    vec![
        figure("Users", "/users", &of.users, false),
        Figure { url: "/projects?status=any", ..figure("Projects", "/projects", &of.projects, true) },
        figure("Containers", "/containers", &of.containers, true),
    ]
}

fn figure(label: &'static str, url: &'static str, states: &[StateCount], by_status: bool) -> Figure {
    let there: i64 =
        states.iter().filter(|state| !GONE.contains(&state.state.as_str())).map(|state| state.count).sum();
    let parts = states
        .iter()
        .map(|StateCount { state, count }| Part {
            label: match (by_status, count) {
                (false, 2..) if state != "deactivated" => format!("{} {state}s", grouped(*count)),
                _ => format!("{} {state}", grouped(*count)),
            },
            url: by_status.then(|| crate::web::urls::with_query(url, &[("status", state)])),
        })
        .collect();
    Figure { label, value: grouped(there), parts, url }
}

/// A number with its thousands set apart: "12,345".
#[must_use]
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(counts: &[(&str, i64)]) -> Vec<StateCount> {
        counts.iter().map(|(state, count)| StateCount { state: (*state).to_owned(), count: *count }).collect()
    }

    #[test]
    fn what_is_gone_is_told_but_not_counted() {
        let of = Figures {
            users: states(&[("owner", 1200), ("admin", 1), ("deactivated", 3)]),
            containers: states(&[("running", 4), ("deleted", 9)]),
            projects: Vec::new(),
            server: None,
        };
        let [users, projects, containers] = <[Figure; 3]>::try_from(figures(&of)).unwrap();
        assert_eq!(users.value, "1,201");
        let parts: Vec<_> = users.parts.iter().map(|part| part.label.as_str()).collect();
        assert_eq!(parts, ["1,200 owners", "1 admin", "3 deactivated"]);
        assert_eq!((containers.value.as_str(), projects.value.as_str()), ("4", "0"));
        assert_eq!(containers.parts[0].url.as_deref(), Some("/containers?status=running"));
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
