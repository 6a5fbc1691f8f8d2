//! The limits that an error can name.

use serde::{Serialize, Serializer};

use super::Language;

/// A limit per store, session, table, user, login or server. The comment of each names its setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// `STORE_MAX_MENU_ITEMS`
    MenuItems,
    /// `STORE_MAX_MENU_BYTES`
    MenuBytes,
    /// `STORE_MAX_CATEGORIES`
    Categories,
    /// `STORE_MAX_TABLES`
    Tables,
    /// `STORE_MAX_USERS`
    Users,
    /// `SESSION_MAX_ORDERS`
    SessionOrders,
    /// `SESSION_MAX_LINES`
    SessionLines,
    /// `SESSION_ORDERS_PER_SECOND`
    SessionOrdersPerSecond,
    /// `SSE_MAX_CONNECTIONS_PER_LOGIN`
    LoginStreams,
    /// `SSE_MAX_CONNECTIONS_PER_TABLE`
    TableStreams,
    /// `SSE_MAX_CONNECTIONS_PER_USER`
    UserStreams,
    /// `SSE_MAX_CONNECTIONS_PER_STORE`
    StoreStreams,
    /// `SSE_MAX_CONNECTIONS`
    Streams,
    /// `BODY_MEMORY_BYTES`
    BodyBytes,
    /// `DEVICE_RENEWALS_PER_MINUTE`
    DeviceRenewals,
    /// `REQUESTS_PER_SECOND_PER_ADDRESS`
    AddressRequests,
    /// `MAX_CONNECTIONS`
    Connections,
    /// `LOGIN_QUEUE`
    QueuedPasswords,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 18] = [
        Self::MenuItems,
        Self::MenuBytes,
        Self::Categories,
        Self::Tables,
        Self::Users,
        Self::SessionOrders,
        Self::SessionLines,
        Self::SessionOrdersPerSecond,
        Self::LoginStreams,
        Self::TableStreams,
        Self::UserStreams,
        Self::StoreStreams,
        Self::Streams,
        Self::BodyBytes,
        Self::DeviceRenewals,
        Self::AddressRequests,
        Self::Connections,
        Self::QueuedPasswords,
    ];

    /// The limit's name on the wire and in the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MenuItems => "menu_items",
            Self::MenuBytes => "menu_bytes",
            Self::Categories => "categories",
            Self::Tables => "tables",
            Self::Users => "users",
            Self::SessionOrders => "session_orders",
            Self::SessionLines => "session_lines",
            Self::SessionOrdersPerSecond => "session_orders_per_second",
            Self::LoginStreams => "login_streams",
            Self::TableStreams => "table_streams",
            Self::UserStreams => "user_streams",
            Self::StoreStreams => "store_streams",
            Self::Streams => "streams",
            Self::BodyBytes => "body_bytes",
            Self::DeviceRenewals => "device_renewals_per_minute",
            Self::AddressRequests => "address_requests_per_second",
            Self::Connections => "connections",
            Self::QueuedPasswords => "queued_passwords",
        }
    }

    /// The message for people, for a limit whose value is `maximum`.
    #[must_use]
    pub fn message(self, maximum: i64, language: Language) -> String {
        let (korean, english) = match self {
            Self::MenuItems => ("매장의 메뉴는 최대 {}개입니다", "a store has at most {} menu items"),
            Self::MenuBytes => (
                "매장 메뉴의 이름, 설명, 이미지 주소는 합쳐서 최대 {}바이트입니다",
                "the names, descriptions and image addresses of a store's menu have at most {} bytes in total",
            ),
            Self::Categories => ("매장의 카테고리는 최대 {}개입니다", "a store has at most {} categories"),
            Self::Tables => ("매장의 테이블은 최대 {}개입니다", "a store has at most {} tables"),
            Self::Users => ("매장의 직원 계정은 최대 {}개입니다", "a store has at most {} users"),
            Self::SessionOrders => ("한 번의 이용에서 주문은 최대 {}건입니다", "a session has at most {} orders"),
            Self::SessionLines => {
                ("한 번의 이용에서 주문 항목은 최대 {}개입니다", "the orders of a session have at most {} lines")
            }
            Self::SessionOrdersPerSecond => {
                ("한 테이블에서는 1초에 최대 {}건을 주문할 수 있습니다", "a session is limited to {} orders per second")
            }
            Self::LoginStreams => (
                "한 기기의 실시간 연결은 최대 {}개입니다. 이전 연결이 아직 끝나지 않았습니다",
                "a device or login has at most {} open event streams, and earlier ones have not ended yet",
            ),
            Self::TableStreams => {
                ("한 테이블의 실시간 연결은 최대 {}개입니다", "a table has at most {} open event streams")
            }
            Self::UserStreams => {
                ("한 계정의 실시간 연결은 최대 {}개입니다", "a user has at most {} open event streams")
            }
            Self::StoreStreams => ("매장의 실시간 연결은 최대 {}개입니다", "a store has at most {} open event streams"),
            Self::Streams => ("서버의 실시간 연결은 최대 {}개입니다", "this server has at most {} open event streams"),
            Self::BodyBytes => (
                "보내는 중인 요청과 아직 받지 않은 응답은 합쳐서 최대 {}바이트입니다",
                "requests that are being sent and responses that were not received yet have at most {} bytes in total",
            ),
            Self::DeviceRenewals => (
                "한 기기는 1분에 최대 {}번 로그인을 갱신할 수 있습니다",
                "a device renews its token at most {} times a minute",
            ),
            Self::AddressRequests => (
                "한 주소에서는 1초에 최대 {}건을 요청할 수 있습니다",
                "an address is limited to {} requests per second",
            ),
            Self::Connections => ("서버의 연결은 최대 {}개입니다", "this server has at most {} connections"),
            Self::QueuedPasswords => (
                "서버는 비밀번호를 한꺼번에 최대 {}개까지 확인합니다. 한 매장은 그 절반까지 쓸 수 있습니다",
                "this server checks at most {} passwords at a time, of one store at most half of them",
            ),
        };
        match language {
            Language::Korean => korean,
            Language::English => english,
        }
        .replace("{}", &maximum.to_string())
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
