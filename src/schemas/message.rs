//! Responses that contain only a message.

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Language, Message};

/// A response with a message only.
#[derive(Serialize, ToSchema)]
pub struct MessageResponse {
    /// The message for people.
    #[schema(example = "삭제되었습니다.")]
    pub message: &'static str,
}

impl MessageResponse {
    /// The response with `message` in `language`.
    #[must_use]
    pub fn new(message: Message, language: Language) -> Self {
        Self { message: message.text(language) }
    }
}
