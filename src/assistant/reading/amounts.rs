//! Amounts of money, as people write them: "5k–10k €", "1.500,50", "between 5 and 10 thousand dollars".

/// What something may cost. One end may be open.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    pub min: Option<f64>,
    pub max: Option<f64>,
    /// `EUR`, `USD`, `GBP` or `CHF`; none where nothing says.
    pub currency: Option<&'static str>,
}

/// A number with what stands around it.
#[derive(Debug, Clone, PartialEq)]
struct Number {
    begins: usize,
    ends: usize,
    value: f64,
    scale: Option<f64>,
    currency: Option<&'static str>,
}

/// More than that is no budget of a project, and less than this neither.
const LARGEST: f64 = 100_000_000.0;

const CURRENCIES: [(&str, &str); 19] = [
    ("€", "EUR"),
    ("euros", "EUR"),
    ("euro", "EUR"),
    ("eur", "EUR"),
    ("us$", "USD"),
    ("$", "USD"),
    ("usd", "USD"),
    ("dollars", "USD"),
    ("dollar", "USD"),
    ("bucks", "USD"),
    ("£", "GBP"),
    ("gbp", "GBP"),
    ("pounds", "GBP"),
    ("pound", "GBP"),
    ("quid", "GBP"),
    ("chf", "CHF"),
    ("francs", "CHF"),
    ("fr.", "CHF"),
    ("sfr", "CHF"),
];

const SCALES: [(&str, f64); 9] = [
    ("thousand", 1e3),
    ("grand", 1e3),
    ("tsd", 1e3),
    ("k", 1e3),
    ("million", 1e6),
    ("millions", 1e6),
    ("mio", 1e6),
    ("mil", 1e6),
    ("m", 1e6),
];

/// Nouns that make of a number something else than money.
const COUNTED: [&str; 34] = [
    "user",
    "people",
    "person",
    "customer",
    "client",
    "member",
    "student",
    "employee",
    "visitor",
    "day",
    "week",
    "month",
    "year",
    "hour",
    "minute",
    "product",
    "item",
    "order",
    "page",
    "screen",
    "feature",
    "language",
    "shop",
    "location",
    "team",
    "article",
    "photo",
    "table",
    "room",
    "%",
    "percent",
    "developer",
    "request",
    "sprint",
];

/// The budget that `text` tells. `is_expected` says that it was asked for, so that a bare number is one.
#[must_use]
pub fn read(text: &str, is_expected: bool) -> Option<Range> {
    let low = text.to_lowercase().replace(['–', '—', '−'], "-");
    let numbers = numbers(&low);
    let speaks_of_money = ["budget", "spend", "cost", "price", "invest", "pay up to", "afford"]
        .iter()
        .any(|word| low.contains(word));
    let mut found = None;
    let mut at = 0;
    while at < numbers.len() {
        let (range, taken) = range_at(&low, &numbers, at);
        let span = &numbers[at..at + taken];
        let after = low[span[taken - 1].ends..].trim_start();
        let is_money = range.currency.is_some()
            || (is_expected || speaks_of_money) && !counts_something(after) && !is_year_or_part(&low, span);
        let is_price = ["per ", "a month", "monthly", "/", "each", "a year", "yearly"]
            .iter()
            .any(|p| after.starts_with(p));
        if is_money && !(is_price && !is_expected && !low.contains("budget")) && is_sane(&range) {
            found = Some(range);
            // "8k, not 10k": the first one that is not refused counts.
            if !is_refused(&low[..span[0].begins]) {
                return found;
            }
            found = None;
        }
        at += taken;
    }
    found
}

fn is_refused(before: &str) -> bool {
    let before = before.trim_end_matches(|c: char| c.is_whitespace() || "€$£".contains(c));
    before.ends_with(" not") || before == "not"
}

fn is_sane(range: &Range) -> bool {
    let ends = [range.min, range.max];
    ends.iter().flatten().all(|value| (1.0..=LARGEST).contains(value))
        && !matches!((range.min, range.max), (Some(min), Some(max)) if min > max)
}

fn counts_something(after: &str) -> bool {
    let word: String = after.chars().take_while(|c| c.is_alphabetic() || *c == '%').collect();
    COUNTED.iter().any(|noun| word == *noun || word.strip_suffix('s') == Some(noun)) || word == "companies"
}

/// 2027 is a year, and 03 of 2027-03-01 is no amount.
fn is_year_or_part(low: &str, span: &[Number]) -> bool {
    let [only] = span else {
        return span.iter().all(|n| n.scale.is_none())
            && span.iter().any(|n| (2000.0..2100.0).contains(&n.value));
    };
    let is_year =
        only.scale.is_none() && (2000.0..2100.0).contains(&only.value) && only.ends - only.begins == 4;
    let before = low[..only.begins].trim_end();
    is_year && ["in", "by", "until", "of", "before"].iter().any(|word| before.ends_with(word))
}

/// The range that begins with number `at`, and how many numbers it takes.
fn range_at(low: &str, numbers: &[Number], at: usize) -> (Range, usize) {
    let first = &numbers[at];
    let before = &low[..first.begins];
    if let Some(second) = numbers.get(at + 1) {
        let between = low[first.ends..second.begins].trim();
        let between = CURRENCIES.iter().fold(between.to_owned(), |text, (mark, _)| {
            if mark.chars().all(|c| !c.is_alphanumeric()) { text.replace(mark, "") } else { text }
        });
        let joins = matches!(between.trim(), "-" | "to" | "till" | "until" | ".." | "or")
            || between.trim() == "and" && before.trim_end().ends_with("between")
            || between.trim() == "and" && before.contains("between");
        if joins {
            let scale = first.scale.or(second.scale.filter(|_| first.value < second.value));
            let min = first.value * scale.unwrap_or(1.0);
            let max = second.value * second.scale.unwrap_or(1.0);
            let currency = second.currency.or(first.currency);
            return (Range { min: Some(min), max: Some(max), currency }, 2);
        }
    }
    let value = first.value * first.scale.unwrap_or(1.0);
    let before = before.trim_end_matches(|c: char| c.is_whitespace() || "€$£~".contains(c));
    let ends = |words: &[&str]| words.iter().any(|word| before.ends_with(word));
    let after = low[first.ends..].trim_start();
    let (min, max) = if ends(&[
        "under",
        "below",
        "less than",
        "at most",
        "max",
        "maximum",
        "max.",
        "up to",
        "more than",
        "within",
        "most",
        "<",
    ]) && !before.ends_with(" more than")
        || before.ends_with("no more than")
        || before.ends_with("not more than")
        || after.starts_with("max")
        || after.starts_with("or less")
        || after.starts_with("at most")
    {
        (None, Some(value))
    } else if ends(&["at least", "from", "over", "more than", "minimum", "min", "min.", "above", ">"])
        || after.starts_with("or more")
        || low[first.ends..].starts_with('+')
    {
        (Some(value), None)
    } else {
        (Some(value), Some(value))
    };
    (Range { min, max, currency: first.currency }, 1)
}

/// The numbers of a text in small letters.
fn numbers(low: &str) -> Vec<Number> {
    let mut numbers: Vec<Number> = Vec::new();
    let mut from = 0;
    while let Some(at) = low[from..].find(|c: char| c.is_ascii_digit()).map(|at| from + at) {
        let is_inside = low[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let (value, mut ends) = number(low, at);
        let begins = at;
        from = ends;
        if is_inside && !ends_with_currency(&low[..at]) {
            continue;
        }
        let mut scale = None;
        for (word, times) in SCALES {
            let gap = low[ends..].len() - low[ends..].trim_start_matches(' ').len();
            // A blank before "m" is a metre or a month.
            if gap > 0 && word == "m" {
                continue;
            }
            if let Some(after) = low[ends + gap..].strip_prefix(word)
                && !after.starts_with(char::is_alphanumeric)
            {
                scale = Some(times);
                ends += gap + word.len();
                break;
            }
        }
        let currency = currency_after(&low[ends..]).or_else(|| currency_before(&low[..begins]));
        // 1e309 and 4x are no amounts.
        if low[ends..].starts_with(char::is_alphanumeric) && currency_after(&low[ends..]).is_none() {
            from = ends + low[ends..].find(|c: char| !c.is_alphanumeric()).unwrap_or(low.len() - ends);
            continue;
        }
        numbers.push(Number { begins, ends, value, scale, currency: currency.map(|(code, _)| code) });
        if let Some((_, length)) = currency_after(&low[ends..])
            && let Some(last) = numbers.last_mut()
        {
            last.ends += length;
            from = last.ends;
        }
        from = from.max(ends);
    }
    numbers
}

fn ends_with_currency(before: &str) -> bool {
    CURRENCIES.iter().any(|(mark, _)| before.ends_with(mark))
}

fn currency_before(before: &str) -> Option<(&'static str, usize)> {
    let before = before.trim_end();
    let found = CURRENCIES.iter().find(|(mark, _)| {
        before.strip_suffix(mark).is_some_and(|rest| {
            !mark.starts_with(char::is_alphabetic) || !rest.ends_with(char::is_alphanumeric)
        })
    });
    found.map(|(mark, code)| (*code, mark.len()))
}

/// The currency and how far its mark goes.
fn currency_after(after: &str) -> Option<(&'static str, usize)> {
    let gap = after.len() - after.trim_start_matches(' ').len();
    let after = &after[gap..];
    let found = CURRENCIES.iter().find(|(mark, _)| {
        after.strip_prefix(mark).is_some_and(|rest| {
            !mark.ends_with(char::is_alphabetic) || !rest.starts_with(char::is_alphanumeric)
        })
    });
    found.map(|(mark, code)| (*code, gap + mark.len()))
}

/// The number that begins at `at`, and where it ends. Separators are told by what they part: "1.500,50", "1,500.50",
/// "1 500", "1'500", "1.5".
fn number(low: &str, at: usize) -> (f64, usize) {
    let bytes = low.as_bytes();
    let mut end = at;
    while end < bytes.len() {
        let next_is_digit = bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        match bytes[end] {
            b'0'..=b'9' => end += 1,
            b'.' | b',' | b'\'' if next_is_digit => end += 1,
            // A blank parts thousands only: three digits follow, and no fourth.
            b' ' if end - at <= 3 || low[at..end].contains(' ') => {
                let group = bytes[end + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
                if group == 3 && !low[at..end].contains(['.', ',']) { end += 4 } else { break }
            }
            _ => break,
        }
    }
    let written: String = low[at..end].chars().filter(|c| !matches!(c, ' ' | '\'')).collect();
    let decimal = match (written.rfind('.'), written.rfind(',')) {
        (Some(dot), Some(comma)) => Some(dot.max(comma)),
        (Some(mark), None) | (None, Some(mark)) => {
            let is_single = written.matches(['.', ',']).count() == 1;
            let behind = written.len() - mark - 1;
            (is_single && behind != 3).then_some(mark)
        }
        (None, None) => None,
    };
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let text = match decimal {
        Some(mark) => format!("{}.{}", digits(&written[..mark]), digits(&written[mark..])),
        None => digits(&written),
    };
    (text.parse().unwrap_or(0.0), end)
}

impl Range {
    /// "€5,000–€10,000", "up to $3,000", "from 500"
    #[must_use]
    pub fn in_words(&self) -> String {
        let (before, after) = match self.currency {
            Some("EUR") => ("€", ""),
            Some("USD") => ("$", ""),
            Some("GBP") => ("£", ""),
            Some("CHF") => ("", " CHF"),
            _ => ("", ""),
        };
        let one = |value: f64| format!("{before}{}{after}", grouped(value));
        match (self.min, self.max) {
            (Some(min), Some(max)) if (max - min).abs() < f64::EPSILON => one(min),
            (Some(min), Some(max)) => format!("{}–{}", one(min), one(max)),
            (None, Some(max)) => format!("up to {}", one(max)),
            (Some(min), None) => format!("from {}", one(min)),
            (None, None) => String::new(),
        }
    }
}

/// Whole amounts without cents, others with two digits.
fn grouped(value: f64) -> String {
    let text = format!("{value:.2}");
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let mut grouped = String::new();
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if cents == "00" { grouped } else { format!("{grouped}.{cents}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_the_ways_that_people_write_them() {
        for (text, expected) in [
            ("5k–10k €", "€5,000–€10,000"),
            ("5-10k", "5,000–10,000"),
            ("1.500,50", "1,500.50"),
            ("1,500.50", "1,500.50"),
            ("1 500 €", "€1,500"),
            ("1'500 CHF", "1,500 CHF"),
            ("$5000", "$5,000"),
            ("USD 5,000", "$5,000"),
            ("5.000 euros", "€5,000"),
            ("between 5 and 10 thousand dollars", "$5,000–$10,000"),
            ("€2,000–€5,000", "€2,000–€5,000"),
            ("up to 3000 bucks", "up to $3,000"),
            ("no more than £800", "up to £800"),
            ("at least 20k euros", "from €20,000"),
            ("1.5 million usd", "$1,500,000"),
            ("about 8 grand", "8,000"),
            ("2.5k", "2,500"),
            ("8k, not 10k", "8,000"),
            ("not 10k but 8k", "8,000"),
        ] {
            assert_eq!(read(text, true).map(|range| range.in_words()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for text in ["fünf", "a lot", "500 users", "3 months", "", "0 €", "€", "99999999999999 €", "-"]
        {
            assert_eq!(read(text, true), None, "{text}");
        }
        for text in
            ["3 pages", "a shop for 500 people", "9.99 € per month for each member", "ready in 2027", "v2"]
        {
            assert_eq!(read(text, false), None, "{text}");
        }
        assert!(read("we can spend 4000", false).is_some() && read("4000", false).is_none());
    }
}
