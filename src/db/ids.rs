//! Ids of rows, each of a type of its own.

use crate::identity::uuid_id;
pub use crate::identity::{NotAnId, SessionId, UserId};

uuid_id! {
    /// `projects.id`
    ProjectId
}
uuid_id! {
    /// `containers.id` (not the engine's id, which is `containers.container_id`)
    ContainerId
}
uuid_id! {
    /// `chat_messages.id`
    MessageId
}
uuid_id! {
    /// `file_storage.id`
    FileId
}
uuid_id! {
    JobId
}
uuid_id! {
    /// `api_tokens.id` (not the token itself, which only its holder knows)
    TokenId
}
uuid_id! {
    /// `webhooks.id`
    WebhookId
}
uuid_id! {
    /// `deliveries.id` (not the id that the sender gave it)
    DeliveryId
}
