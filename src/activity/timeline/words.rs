//! The columns of the timeline that hold words, and how a filter's words are compared with them.

use sha2::{Digest, Sha256};

use crate::activity::filter::Words;
use crate::activity::status::FAILED;
use crate::db::statement::Statement;
use crate::runtime::hex;

/// A column of the timeline that holds words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordColumn {
    /// What happened.
    Type,
    /// How it went.
    Status,
    Environment,
    Actor,
}

impl WordColumn {
    pub(in crate::activity) fn name(self) -> &'static str {
        match self {
            Self::Type => "t.kind",
            Self::Status => "t.status_word",
            Self::Environment => "t.environment",
            Self::Actor => "t.actor",
        }
    }

    /// `word` as the column holds it.
    pub(in crate::activity) fn stored(self, word: &str) -> String {
        match self {
            Self::Type | Self::Actor => word_text(word),
            Self::Status => word_text(word).to_ascii_lowercase(),
            Self::Environment => word.to_owned(),
        }
    }

    pub(super) fn stored_words(self, words: &Words) -> Words {
        let stored = |list: &[String]| list.iter().map(|word| self.stored(word)).collect();
        Words { only: stored(&words.only), not: stored(&words.not) }
    }
}

/// The word that `column` holds is one of these.
pub(in crate::activity) fn words<R>(
    s: &mut Statement<R>,
    column: WordColumn,
    words: &Words,
    by: Option<WordColumn>,
) {
    let name = column.name();
    match words.only.as_slice() {
        _ if by == Some(column) => {
            s.sql(" AND ").sql(name).sql(" = one.word");
        }
        [] => {}
        [word] => {
            s.sql(" AND ").sql(name).sql(" = ").text(word.as_str());
        }
        several => {
            s.sql(" AND ").sql(name).sql(" = ANY(").texts(several.to_vec()).sql(")");
        }
    }
    if column == WordColumn::Status
        && !words.only.is_empty()
        && !words.only.iter().any(|word| word == "success")
    {
        // The index of statuses leaves the most common one out.
        s.sql(" AND t.status_word <> 'success'");
    }
    if !words.not.is_empty() {
        // What says nothing is not left out.
        s.sql(" AND (").sql(name).sql(" IS NULL OR ").sql(name).sql(" <> ALL(");
        s.texts(words.not.clone()).sql("))");
    }
}

/// Statuses as the timeline compares them: `failed` is every word for it, the others are themselves, in any case.
pub(in crate::activity) fn status_words(statuses: &Words) -> Words {
    let expanded = |list: &[String]| {
        let mut found: Vec<String> = Vec::new();
        for word in list {
            let lower = WordColumn::Status.stored(word);
            let meant = if lower == "failed" { FAILED.map(str::to_owned).to_vec() } else { vec![lower] };
            found.extend(meant);
        }
        found.sort();
        found.dedup();
        found
    };
    Words { only: expanded(&statuses.only), not: expanded(&statuses.not) }
}

/// `word` as the timeline's indexes hold it: the same as `pilothouse.word_text`.
pub(super) fn word_text(word: &str) -> String {
    if word.len() <= 500 {
        return word.to_owned();
    }
    let beginning: String = word.chars().take(100).collect();
    format!("{beginning}… sha256:{}", hex(&Sha256::digest(word)))
}
