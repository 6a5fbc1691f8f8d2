//! Messages of successful responses.

use super::Language;

/// A message for people.
#[derive(Debug, Clone, Copy)]
pub enum Message {
    /// Something was deleted.
    Deleted,
    /// A session was completed.
    Completed,
    /// The user logged out.
    LoggedOut,
    /// The password changed.
    PasswordChanged,
    /// The tablet's session has ended.
    SessionEnded,
}

impl Message {
    /// The text in `language`.
    #[must_use]
    pub fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Deleted, Language::Korean) => "삭제되었습니다.",
            (Self::Deleted, Language::English) => "Deleted.",
            (Self::Completed, Language::Korean) => "이용이 완료되었습니다.",
            (Self::Completed, Language::English) => "The session is completed.",
            (Self::LoggedOut, Language::Korean) => "로그아웃되었습니다.",
            (Self::LoggedOut, Language::English) => "Logged out.",
            (Self::PasswordChanged, Language::Korean) => "비밀번호가 변경되었습니다.",
            (Self::PasswordChanged, Language::English) => "The password was changed.",
            (Self::SessionEnded, Language::Korean) => "이용이 종료되었습니다.",
            (Self::SessionEnded, Language::English) => "The session has ended.",
        }
    }
}
