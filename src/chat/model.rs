//! What a message is made of.

use serde_json::Value;

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// A person.
    User,
    /// The builder.
    Assistant,
    /// Instructions that neither of them wrote.
    System,
    /// What another writer called it.
    Other(String),
}

impl Role {
    /// Reads `chat_messages.role`.
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        match text {
            "user" => Self::User,
            "assistant" => Self::Assistant,
            "system" => Self::System,
            other => Self::Other(other.to_owned()),
        }
    }

    /// What it is called.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::User => "User",
            Self::Assistant => "Assistant",
            Self::System => "System",
            Self::Other(other) if other.trim().is_empty() => "No role",
            Self::Other(other) => other,
        }
    }
}

/// A file that was sent with a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attachment {
    /// What it is called.
    pub name: String,
    /// Its size in bytes.
    pub size: Option<i64>,
    pub media_type: Option<String>,
    /// Where it is, as somebody else wrote it: check it before making a link.
    pub address: Option<String>,
}

impl Attachment {
    /// Reads `chat_messages.attachments`, whatever workers put there: a list of objects or names, or one of
    /// them alone. What has no name is shown as its JSON.
    #[must_use]
    pub fn from_stored(value: &Value) -> Vec<Self> {
        match value {
            Value::Null => Vec::new(),
            Value::Array(items) => items.iter().filter(|item| !item.is_null()).map(Self::one).collect(),
            Value::Object(map) if map.is_empty() => Vec::new(),
            other => vec![Self::one(other)],
        }
    }

    fn one(value: &Value) -> Self {
        let text = |names: &[&str]| {
            names.iter().find_map(|name| value.get(name)?.as_str()).filter(|text| !text.trim().is_empty())
        };
        let name =
            value.as_str().or_else(|| text(&["name", "file_name", "filename", "fileName", "title", "path"]));
        let size =
            ["size", "file_size", "fileSize", "bytes"].iter().find_map(|name| value.get(name)?.as_i64());
        Self {
            name: name.map_or_else(|| value.to_string(), str::to_owned),
            size: size.filter(|size| *size >= 0),
            media_type: text(&["type", "mime_type", "mimeType", "content_type", "contentType"])
                .map(str::to_owned),
            address: text(&["url", "href"]).map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attachments_are_read_whatever_their_shape() {
        let names = |value: Value| -> Vec<String> {
            Attachment::from_stored(&value).into_iter().map(|attachment| attachment.name).collect()
        };
        assert_eq!(names(json!(null)), [""; 0]);
        assert_eq!(names(json!([])), [""; 0]);
        assert_eq!(names(json!({})), [""; 0]);
        assert_eq!(names(json!(["a.png", { "file_name": "b.pdf" }, null, 7])), ["a.png", "b.pdf", "7"]);
        assert_eq!(names(json!({ "name": "c.txt" })), ["c.txt"]);
        assert_eq!(names(json!([{ "id": 1 }])), ["{\"id\":1}"]);
        let whole = Attachment::from_stored(&json!([
            { "name": "logo.svg", "size": 2048, "type": "image/svg+xml", "url": "javascript:alert(1)" }
        ]));
        assert_eq!((whole[0].size, whole[0].media_type.as_deref()), (Some(2048), Some("image/svg+xml")));
        assert_eq!(Attachment::from_stored(&json!([{ "name": "x", "size": -1 }]))[0].size, None);
    }

    #[test]
    fn an_unknown_role_is_called_as_it_is() {
        assert_eq!(Role::from_stored("narrator").label(), "narrator");
        assert_eq!(Role::from_stored("").label(), "No role");
        assert_eq!(Role::from_stored("assistant"), Role::Assistant);
    }
}
