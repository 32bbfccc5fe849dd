//! How the closed lists of the record are written down: one row a word, with everything that the console
//! knows about it. A row that leaves something out does not compile, and a word that the console does not
//! know (another program's, or a newer version's) is kept as it is.

/// Declares an enum of stored words with an `Other` for the rest, `ALL`, and its table of facts.
///
/// Each variant's facts are a whole struct, so that a new variant compiles only once they are complete.
macro_rules! vocabulary {
    (
        $(#[$doc:meta])* $name:ident: $facts:ident, unknown $unknown:expr;
        $( $(#[$variant_doc:meta])* $variant:ident = $stored:literal { $($field:ident: $value:expr),* $(,)? } )*
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$variant_doc])* $variant, )*
            /// A word that the console does not know, shown as it is.
            Other(String),
        }

        impl $name {
            /// Every known word, in the order that filters offer them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Reads the stored text. Never fails: see `Other`.
            #[must_use]
            pub fn from_stored(text: &str) -> Self {
                match text {
                    $( $stored => Self::$variant, )*
                    other => Self::Other(other.to_owned()),
                }
            }

            /// The stored text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $stored, )*
                    Self::Other(text) => text,
                }
            }

            /// What the console knows about it.
            #[must_use]
            pub fn facts(&self) -> $facts {
                match self {
                    $( Self::$variant => $facts { $($field: $value),* }, )*
                    Self::Other(_) => $unknown,
                }
            }

            /// Whether the console knows this word.
            #[must_use]
            pub fn is_known(&self) -> bool {
                !matches!(self, Self::Other(_))
            }
        }
    };
}
pub(crate) use vocabulary;

/// What filters group words by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// What happens to a project itself.
    Projects,
    /// Code: what was written, generated, pushed.
    Code,
    /// Databases and queries.
    Data,
    /// What goes live.
    Delivery,
    /// The assistant's and the builder's long-running work.
    Operations,
    /// Conversations.
    Chat,
    /// Who may do what: accounts and sessions.
    People,
    /// Words that the console does not know.
    Other,
}

impl Group {
    /// What a heading calls it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Projects => "Projects",
            Self::Code => "Code",
            Self::Data => "Data",
            Self::Delivery => "Delivery",
            Self::Operations => "Operations",
            Self::Chat => "Chat",
            Self::People => "People and access",
            Self::Other => "Other",
        }
    }
}

/// An unknown word as it is written, for nobody knows whether `qa-7` means more than its letters; small letters and
/// underscores are read as the known words are.
#[must_use]
pub fn as_written(stored: &str) -> String {
    let text = stored.trim();
    if text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
        humanised(text)
    } else {
        text.to_owned()
    }
}

/// A known word as people read it: `IN_PROGRESS` is "In progress".
#[must_use]
pub fn humanised(stored: &str) -> String {
    let text = stored.replace(['_', '.', '-'], " ");
    let text = if text.chars().any(char::is_lowercase) { text } else { text.to_lowercase() };
    let mut letters = text.trim().chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "Unnamed".to_owned(),
    }
}
