//! The reasons for which a field is refused.

use super::{Language, Limit};

/// The reason for which a field is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The field is missing.
    Required,
    /// The value has the wrong type, or is not one of the type's values.
    WrongType,
    /// The number is out of range.
    Range {
        /// The smallest allowed.
        min: i64,
        /// The largest allowed.
        max: i64,
    },
    /// The text is too short or too long.
    Length {
        /// The shortest allowed.
        min: u64,
        /// The longest allowed.
        max: u64,
    },
    /// The list has too few or too many elements.
    Count {
        /// The fewest allowed.
        min: u64,
        /// The most allowed.
        max: u64,
    },
    /// The text has only white space.
    Blank,
    /// The text has characters that cannot be stored.
    Unprintable,
    /// The text has characters other than visible ASCII.
    NotVisibleAscii,
    /// The text has characters that the code of a new store must not have.
    StoreCode,
    /// A user must change the own password with the current one.
    OwnPassword,
    /// The text is not a web address.
    Url,
    /// The id does not exist in this store.
    Unknown,
    /// The menu item cannot be ordered now.
    SoldOut,
    /// The text is not the user's current password.
    WrongPassword,
    /// This part of the server is not ready.
    NotReady,
    /// The list does not have each id exactly once.
    IncompleteList,
    /// The text is neither a log level nor a filter of log levels.
    LogLevel,
    /// A limit was reached.
    Limit {
        /// The limit.
        limit: Limit,
        /// Its value.
        maximum: i64,
    },
    /// The time is further ahead than an order may wait.
    TooFarAhead,
}

impl Reason {
    /// The message for people.
    #[must_use]
    pub fn message(&self, language: Language) -> String {
        let (korean, english) = match self {
            Self::Required => ("필수 항목입니다".into(), "is required".into()),
            Self::WrongType => ("형식이 올바르지 않습니다".into(), "has the wrong type or value".into()),
            Self::Range { min, max } => {
                (format!("{min} 이상 {max} 이하로 입력해 주세요"), format!("must be from {min} to {max}"))
            }
            Self::Length { min: 0, max } => {
                (format!("{max}자 이하로 입력해 주세요"), format!("must have at most {max} characters"))
            }
            Self::Length { min, max } => {
                (format!("{min}자 이상 {max}자 이하로 입력해 주세요"), format!("must have {min} to {max} characters"))
            }
            Self::Count { min, max } => {
                (format!("{min}개 이상 {max}개 이하여야 합니다"), format!("must have {min} to {max} elements"))
            }
            Self::Blank => ("내용을 입력해 주세요".into(), "must not be blank".into()),
            Self::Unprintable => {
                ("사용할 수 없는 문자가 있습니다".into(), "has characters that are not allowed".into())
            }
            Self::NotVisibleAscii => {
                ("공백 없는 영문, 숫자, 기호만 쓸 수 있습니다".into(), "must be visible ASCII without spaces".into())
            }
            Self::StoreCode => (
                "영문 소문자, 숫자, 하이픈(-)만 쓸 수 있습니다".into(),
                "must have only lower-case letters, digits and hyphens".into(),
            ),
            Self::OwnPassword => (
                "본인의 비밀번호는 현재 비밀번호를 입력해 변경해 주세요".into(),
                "change your own password at /admin/auth/password, with the current one".into(),
            ),
            Self::Url => {
                ("http 또는 https로 시작하는 주소를 입력해 주세요".into(), "must be an http or https address".into())
            }
            Self::Unknown => ("존재하지 않습니다".into(), "does not exist".into()),
            Self::SoldOut => ("지금 주문할 수 없는 메뉴입니다".into(), "cannot be ordered now".into()),
            Self::WrongPassword => ("현재 비밀번호가 아닙니다".into(), "is not the current password".into()),
            Self::NotReady => ("준비되지 않았습니다".into(), "is not ready".into()),
            Self::IncompleteList => {
                ("모든 항목을 한 번씩 포함해야 합니다".into(), "must contain every item exactly once".into())
            }
            Self::Limit { limit, maximum } => {
                (limit.message(*maximum, Language::Korean), limit.message(*maximum, Language::English))
            }
            Self::TooFarAhead => ("24시간 이내여야 합니다".into(), "must be within 24 hours".into()),
            Self::LogLevel => (
                "error, warn, info, debug, trace 또는 tableorder=debug,info 같은 필터여야 합니다".into(),
                "must be error, warn, info, debug, trace or a filter like tableorder=debug,info".into(),
            ),
        };
        match language {
            Language::Korean => korean,
            Language::English => english,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_messages_in_both_languages() {
        for reason in [
            Reason::Required,
            Reason::WrongType,
            Reason::Range { min: 1, max: 999 },
            Reason::Length { min: 0, max: 500 },
            Reason::Length { min: 1, max: 50 },
            Reason::Count { min: 1, max: 100 },
            Reason::Blank,
            Reason::Unprintable,
            Reason::NotVisibleAscii,
            Reason::StoreCode,
            Reason::OwnPassword,
            Reason::Url,
            Reason::Unknown,
            Reason::SoldOut,
            Reason::WrongPassword,
            Reason::NotReady,
            Reason::IncompleteList,
            Reason::LogLevel,
            Reason::TooFarAhead,
        ]
        .into_iter()
        .chain(Limit::ALL.map(|limit| Reason::Limit { limit, maximum: 1_000 }))
        {
            let korean = reason.message(Language::Korean);
            assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)), "{korean}");
            assert!(reason.message(Language::English).is_ascii());
        }
    }
}
