//! Services own three things: the rules, the transaction, and the publish after the commit.

mod audit;
mod auth;
mod category;
mod demo;
mod menu;
mod order;
mod placing;
mod store;
mod table;
mod user;

pub use audit::{AuditPage, AuditService};
pub use auth::{AdminLogin, AuthService, TableLogin};
pub use category::{CategoryChange, CategoryService};
pub use demo::{has_demo, seed_demo};
pub use menu::{MenuChange, MenuService, MenuSnapshot, MenuSpec};
pub use order::{OrderPage, OrderRequest, OrderService, Placed};
pub use store::{NewStore, StoreService};
pub use table::{CompletedStay, Dashboard, TableChange, TableService};
pub use user::{UserChange, UserService};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::config::{Config, Secret};
    use crate::database::Database;
    use crate::events::{Hub, StreamLimits};
    use crate::models::StoreId;
    use crate::security::access::TokenAccess;
    use crate::security::password::Passwords;
    use crate::security::rush::Rush;
    use crate::security::throttle::LoginThrottle;
    use crate::security::token::Tokens;

    /// What is rare (a question to the database, a new connection) is boxed where it is awaited. Without, it all had
    /// its room in every request: 27 KiB of it.
    #[tokio::test]
    async fn what_every_request_does_takes_little_room() {
        const ROOM: usize = 1_536;
        let (database, clock) = (Database::unconnected(), Clock::system());
        let limits = StreamLimits { per_store: 1, in_all: 1 };
        let closing = tokio_util::sync::CancellationToken::new();
        let hub = Hub::new(database.clone(), uuid::Uuid::nil(), limits, clock.clone(), closing);
        let config = Config::read(|_| None).unwrap();
        let secret = Secret::new("a secret that only these tests know");
        let tokens = Tokens::new(&secret, &[], config.jwt.algorithm, uuid::Uuid::nil(), clock.clone());
        let access = TokenAccess::new(database.clone(), hub.clone());
        let passwords = Passwords::new(1, Rush::none()).unwrap();
        let throttle = LoginThrottle::new(database.clone(), clock.clone(), &config.login);
        let auth = AuthService::new(database.clone(), access, passwords, throttle, tokens, clock.clone(), &config.jwt);
        let menus = MenuService::new(database.clone(), hub.clone(), clock);
        let store = StoreId(1);
        for (name, size) in [
            ("admin_of", size_of_val(&auth.admin_of(b""))),
            ("table_of", size_of_val(&auth.table_of(b""))),
            ("menu", size_of_val(&menus.current(store))),
            ("subscribe", size_of_val(&hub.subscribe(store))),
        ] {
            assert!(size <= ROOM, "{name} takes {size} bytes");
        }
    }
}
