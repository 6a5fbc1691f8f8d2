//! The catalogue of error codes.

use utoipa::ToSchema;

use super::Language;

macro_rules! catalogue {
    ($($variant:ident $status:literal $code:literal $korean:literal $english:literal;)*) => {
        /// The error codes, which clients branch on. The names on the wire never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, ToSchema)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum ErrorCode {
            $(
                #[doc = concat!("`", $code, "`: ", $english)]
                $variant,
            )*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// The HTTP status of responses with this code.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),* }
            }

            /// The message for people.
            #[must_use]
            pub fn message(self, language: Language) -> &'static str {
                match (self, language) {
                    $(
                        (Self::$variant, Language::Korean) => $korean,
                        (Self::$variant, Language::English) => $english,
                    )*
                }
            }
        }
    };
}

catalogue! {
    MalformedRequest 400 "MALFORMED_REQUEST"
        "요청 형식이 올바르지 않습니다." "The request is malformed.";
    Unauthorized 401 "UNAUTHORIZED"
        "로그인이 필요합니다." "Please log in.";
    InvalidToken 401 "INVALID_TOKEN"
        "인증 정보가 유효하지 않습니다. 다시 로그인해 주세요." "This login is not valid. Please log in again.";
    TokenExpired 401 "TOKEN_EXPIRED"
        "로그인이 만료되었습니다. 다시 로그인해 주세요." "This login has expired. Please log in again.";
    InvalidTokenType 401 "INVALID_TOKEN_TYPE"
        "이 기능에 사용할 수 없는 로그인입니다." "This kind of login cannot be used here.";
    AuthFailed 401 "AUTH_FAILED"
        "로그인 정보가 올바르지 않습니다." "The login details are incorrect.";
    Forbidden 403 "FORBIDDEN"
        "권한이 없습니다." "You do not have permission to do this.";
    SetupCodeInvalid 403 "SETUP_CODE_INVALID"
        "설정 코드가 올바르지 않습니다. 서버가 마지막으로 표시한 주소를 사용해 주세요."
        "The set-up code is not valid. Please use the address that the server printed last.";
    SetupCodeExpired 403 "SETUP_CODE_EXPIRED"
        "설정 코드가 만료되었습니다. 서버를 다시 시작해 새 주소를 받아 주세요."
        "The set-up code has expired. Please restart the server to get a new address.";
    StoreNotFound 404 "STORE_NOT_FOUND"
        "매장을 찾을 수 없습니다." "There is no such store.";
    TableNotFound 404 "TABLE_NOT_FOUND"
        "테이블을 찾을 수 없습니다." "There is no such table.";
    SessionNotFound 404 "SESSION_NOT_FOUND"
        "진행 중인 이용이 없습니다." "There is no such session.";
    CategoryNotFound 404 "CATEGORY_NOT_FOUND"
        "카테고리를 찾을 수 없습니다." "There is no such category.";
    MenuNotFound 404 "MENU_NOT_FOUND"
        "메뉴를 찾을 수 없습니다." "There is no such menu item.";
    UserNotFound 404 "USER_NOT_FOUND"
        "계정을 찾을 수 없습니다." "There is no such user.";
    OrderNotFound 404 "ORDER_NOT_FOUND"
        "주문을 찾을 수 없습니다." "There is no such order.";
    DeviceNotFound 404 "DEVICE_NOT_FOUND"
        "연결된 기기를 찾을 수 없습니다." "There is no such device.";
    RouteNotFound 404 "ROUTE_NOT_FOUND"
        "요청한 주소를 찾을 수 없습니다." "There is nothing at this address.";
    MethodNotAllowed 405 "METHOD_NOT_ALLOWED"
        "허용되지 않는 요청 방식입니다." "This address does not accept this method.";
    RequestTimeout 408 "REQUEST_TIMEOUT"
        "요청 시간이 초과되었습니다. 다시 시도해 주세요." "The request took too long. Please try again.";
    PayloadTooLarge 413 "PAYLOAD_TOO_LARGE"
        "요청 내용이 너무 큽니다." "The request is too large.";
    HeaderTooLarge 431 "HEADER_TOO_LARGE"
        "요청 헤더가 너무 큽니다." "The request's header is too large.";
    UnsupportedMediaType 415 "UNSUPPORTED_MEDIA_TYPE"
        "지원하지 않는 형식입니다. JSON으로 보내 주세요." "Please send JSON (Content-Type: application/json).";
    Duplicate 409 "DUPLICATE"
        "이미 존재합니다." "It already exists.";
    CategoryHasMenus 409 "CATEGORY_HAS_MENUS"
        "메뉴가 있는 카테고리는 삭제할 수 없습니다." "A category that has menu items cannot be deleted.";
    TableHasActiveSession 409 "TABLE_HAS_ACTIVE_SESSION"
        "이용 중인 테이블입니다." "The table is in use.";
    LastOwner 409 "LAST_OWNER"
        "매장에는 점주 계정이 하나 이상 있어야 합니다." "A store must have at least one owner.";
    OwnStore 409 "OWN_STORE"
        "자기 매장은 삭제할 수 없습니다." "A store cannot remove itself.";
    SetupClosed 409 "SETUP_CLOSED"
        "이 서버에는 이미 매장이 있습니다. 로그인해 주세요." "This server already has a store. Please log in.";
    InvalidStatusTransition 409 "INVALID_STATUS_TRANSITION"
        "주문 상태를 그렇게 변경할 수 없습니다." "The order cannot change to this status.";
    SessionMismatch 409 "SESSION_MISMATCH"
        "테이블의 이용 상태가 바뀌었습니다. 화면을 새로 고쳐 주세요." "The table's session has changed. Please refresh the screen.";
    SessionEnded 409 "SESSION_ENDED"
        "이용이 종료되었습니다." "The session has ended.";
    SessionFull 409 "SESSION_FULL"
        "이 테이블에서 더 이상 주문할 수 없습니다. 직원에게 문의해 주세요."
        "This table cannot place more orders. Please ask the staff.";
    LimitReached 409 "LIMIT_REACHED"
        "등록할 수 있는 최대 개수를 초과했습니다." "The maximum number has been reached.";
    MenuChanged 409 "MENU_CHANGED"
        "메뉴의 이름이나 가격이 바뀌었습니다. 확인 후 다시 주문해 주세요."
        "A menu item has a new name or price. Please check your order and send it again.";
    OrderExpired 409 "ORDER_EXPIRED"
        "주문 시간이 지나 주문되지 않았습니다." "The order arrived too late and was not placed.";
    DeviceRevoked 409 "DEVICE_REVOKED"
        "이 기기의 연결이 해제되었습니다. 직원에게 문의해 주세요." "This device was disconnected. Please ask the staff.";
    MenuUnavailable 409 "MENU_UNAVAILABLE"
        "지금 주문할 수 없는 메뉴가 있습니다." "This order contains a menu item that cannot be ordered now.";
    IdempotencyInProgress 409 "IDEMPOTENCY_IN_PROGRESS"
        "같은 요청을 처리하고 있습니다. 잠시 후 다시 시도해 주세요." "The same request is still being processed. Please try again shortly.";
    ValidationError 422 "VALIDATION_ERROR"
        "입력값이 올바르지 않습니다." "Some of the input is invalid.";
    IdempotencyMismatch 422 "IDEMPOTENCY_MISMATCH"
        "같은 키를 다른 내용에 사용할 수 없습니다." "This key was already used for a different request.";
    TooManyRequests 429 "TOO_MANY_REQUESTS"
        "요청이 너무 많습니다. 잠시 후 다시 시도해 주세요." "Too many requests. Please try again shortly.";
    InternalError 500 "INTERNAL_ERROR"
        "서버에 문제가 발생했습니다." "Something went wrong on the server.";
    HttpVersionNotSupported 505 "HTTP_VERSION_NOT_SUPPORTED"
        "실시간 알림은 HTTP/1.1에서만 열 수 있습니다. 프록시 설정을 확인해 주세요."
        "Streams need HTTP/1.1. Please check the proxy (nginx: proxy_http_version 1.1).";
    ServiceUnavailable 503 "SERVICE_UNAVAILABLE"
        "지금은 처리할 수 없습니다. 잠시 후 다시 시도해 주세요." "This cannot be done right now. Please try again shortly.";
}

impl ErrorCode {
    /// The code for an error response without one, such as the router's 404 and 405.
    #[must_use]
    pub fn for_status(status: u16) -> Self {
        match status {
            404 => Self::RouteNotFound,
            405 => Self::MethodNotAllowed,
            408 => Self::RequestTimeout,
            413 => Self::PayloadTooLarge,
            415 => Self::UnsupportedMediaType,
            429 => Self::TooManyRequests,
            431 => Self::HeaderTooLarge,
            503 => Self::ServiceUnavailable,
            505 => Self::HttpVersionNotSupported,
            400..500 => Self::MalformedRequest,
            _ => Self::InternalError,
        }
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_is_unique_and_has_messages_in_both_languages() {
        let mut codes = HashSet::new();
        for code in ErrorCode::ALL {
            assert!(codes.insert(code.as_str()), "{code} is not unique");
            let korean = code.message(Language::Korean);
            let english = code.message(Language::English);
            assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)), "{code}: {korean}");
            assert!(!english.is_empty() && english.is_ascii(), "{code}: {english}");
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
