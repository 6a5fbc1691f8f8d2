//! Answers that only say what happened.

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Language, Message};

/// What happened, for the person at the screen.
#[derive(Serialize, ToSchema)]
pub struct MessageResponse {
    /// What happened.
    #[schema(example = "삭제되었습니다.")]
    pub message: &'static str,
}

impl MessageResponse {
    /// `message` in `language`.
    #[must_use]
    pub fn new(message: Message, language: Language) -> Self {
        Self { message: message.text(language) }
    }
}
