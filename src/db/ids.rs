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
