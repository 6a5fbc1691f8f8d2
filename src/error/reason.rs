//! Why a field was refused.

use super::{Language, Limit};

/// Why a field was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is missing.
    Required,
    /// It is of another type, or a value the type does not have.
    WrongType,
    /// A number outside its range.
    Range {
        /// The smallest allowed.
        min: i64,
        /// The largest allowed.
        max: i64,
    },
    /// A text or list with too few or too many.
    Length {
        /// The fewest allowed.
        min: u64,
        /// The most allowed.
        max: u64,
    },
    /// Nothing but white space.
    Blank,
    /// Characters that cannot be kept.
    Unprintable,
    /// Has something other than visible ASCII.
    NotVisibleAscii,
    /// One's own password is changed with the current one.
    OwnPassword,
    /// Not a web address.
    Url,
    /// There is no such thing in this store.
    Unknown,
    /// A dish that cannot be ordered now.
    SoldOut,
    /// Not the account's current password.
    WrongPassword,
    /// A part of the server that is not ready.
    NotReady,
    /// The list must name each thing exactly once.
    NotTheWholeOrder,
    /// Neither a log level nor a filter of them.
    LogLevel,
    /// There are as many as there may be.
    Limit {
        /// The bound.
        limit: Limit,
        /// Its value.
        maximum: i64,
    },
    /// A time further ahead than an order may wait.
    TooFarAhead,
}

impl Reason {
    /// What a person is told.
    #[must_use]
    pub fn message(&self, language: Language) -> String {
        let (korean, english) = match self {
            Self::Required => ("필수 항목입니다".into(), "is required".into()),
            Self::WrongType => ("형식이 올바르지 않습니다".into(), "has the wrong type or value".into()),
            Self::Range { min, max } => {
                (format!("{min} 이상 {max} 이하여야 합니다"), format!("must be from {min} to {max}"))
            }
            Self::Length { min, max } => {
                (format!("길이가 {min} 이상 {max} 이하여야 합니다"), format!("must have a length from {min} to {max}"))
            }
            Self::Blank => ("비어 있을 수 없습니다".into(), "must not be blank".into()),
            Self::Unprintable => ("사용할 수 없는 문자가 있습니다".into(), "has characters that cannot be used".into()),
            Self::NotVisibleAscii => {
                ("공백 없는 영문, 숫자, 기호만 쓸 수 있습니다".into(), "must be visible ASCII without spaces".into())
            }
            Self::OwnPassword => (
                "본인의 비밀번호는 현재 비밀번호를 입력해 변경해 주세요".into(),
                "your own is changed with the current one, at /admin/auth/password".into(),
            ),
            Self::Url => ("http 또는 https 주소여야 합니다".into(), "must be an http or https address".into()),
            Self::Unknown => ("존재하지 않습니다".into(), "does not exist".into()),
            Self::SoldOut => ("지금 주문할 수 없는 메뉴입니다".into(), "cannot be ordered now".into()),
            Self::WrongPassword => ("현재 비밀번호가 아닙니다".into(), "is not the current password".into()),
            Self::NotReady => ("준비되지 않았습니다".into(), "is not ready".into()),
            Self::NotTheWholeOrder => {
                ("모든 항목을 한 번씩 포함해야 합니다".into(), "must name every item exactly once".into())
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
    fn every_reason_speaks_both_languages() {
        for reason in [
            Reason::Required,
            Reason::WrongType,
            Reason::Range { min: 1, max: 999 },
            Reason::Length { min: 1, max: 50 },
            Reason::Blank,
            Reason::Unprintable,
            Reason::NotVisibleAscii,
            Reason::OwnPassword,
            Reason::Url,
            Reason::Unknown,
            Reason::SoldOut,
            Reason::WrongPassword,
            Reason::NotReady,
            Reason::NotTheWholeOrder,
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
