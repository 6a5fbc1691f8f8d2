//! Answers that only say what happened.

use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Language;

/// What happened, for the person at the screen.
#[derive(Serialize, ToSchema)]
pub struct MessageResponse {
    /// What happened.
    #[schema(example = "삭제되었습니다.")]
    pub message: &'static str,
}

/// What can have happened.
#[derive(Debug, Clone, Copy)]
pub enum Message {
    /// Something was deleted.
    Deleted,
    /// A table's stay was completed.
    Completed,
    /// The login ended.
    LoggedOut,
    /// The password changed.
    PasswordChanged,
    /// The session a tablet orders for has ended.
    SessionEnded,
}

impl Message {
    /// What a person is told.
    #[must_use]
    pub fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Deleted, Language::Korean) => "삭제되었습니다.",
            (Self::Deleted, Language::English) => "Deleted.",
            (Self::Completed, Language::Korean) => "이용이 완료되었습니다.",
            (Self::Completed, Language::English) => "The stay is completed.",
            (Self::LoggedOut, Language::Korean) => "로그아웃되었습니다.",
            (Self::LoggedOut, Language::English) => "Logged out.",
            (Self::PasswordChanged, Language::Korean) => "비밀번호가 변경되었습니다.",
            (Self::PasswordChanged, Language::English) => "The password was changed.",
            (Self::SessionEnded, Language::Korean) => "이용이 종료되었습니다.",
            (Self::SessionEnded, Language::English) => "The session has ended.",
        }
    }

    /// The answer that says it.
    #[must_use]
    pub fn response(self, language: Language) -> MessageResponse {
        MessageResponse { message: self.text(language) }
    }
}
