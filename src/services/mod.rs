//! Services own three things: the rules, the transaction, and the publish after the commit.

mod audit;
mod auth;
mod category;
mod demo;
mod device;
pub mod event_payload;
mod limits;
mod menu;
mod order;
mod session;
mod store;
mod stream;
mod table;
mod user;

pub use audit::{AuditPage, AuditService};
pub use auth::{AdminLogin, AuthService, TableLogin};
pub use category::{CategoryChange, CategoryService};
pub use demo::{has_demo, seed_demo};
pub use device::{DeviceList, DeviceService};
pub use menu::{MenuService, MenuSnapshot};
pub use order::{OrderOrigin, OrderPage, OrderRequest, OrderService, Placed, SessionOrders};
pub use session::SessionService;
pub use store::{NewStore, StoreService};
pub use stream::StreamService;
pub use table::{Dashboard, TableChange, TableService};
pub use user::{UserChange, UserService};
