//! Services: the rules, the transactions, and publishing events after the commit.
//!
//! A method checks its rules, changes rows in one transaction and publishes the event once it is committed; a failed
//! publish does not fail the request, since the event is in the table. Services use `repositories` for SQL and return
//! models. HTTP types and bodies belong to `routers` and `schemas`. A file to imitate: `category.rs`.

mod audit;
mod auth;
mod category;
mod demo;
mod device;
pub mod event_payload;
pub mod idempotency;
mod lan;
mod limits;
mod menu;
mod order;
mod session;
mod setup;
mod store;
mod stream;
mod table;
mod user;

pub use audit::{AuditPage, AuditService};
pub use auth::{AdminLogin, AuthService, TableLogin};
pub use category::{CategoryChange, CategoryService};
pub use demo::{DemoService, has_demo, seed_demo};
pub use device::{DeviceList, DeviceService};
pub use idempotency::Replayable;
pub use lan::lan_hosts;
pub use menu::{MenuService, MenuSnapshot};
pub use order::{OrderOrigin, OrderPage, OrderRequest, OrderService, Placed, SessionOrders};
pub use session::SessionService;
pub use setup::{OpenSetup, SetupService};
pub use store::{NewStore, StoreService};
pub use stream::StreamService;
pub use table::{Dashboard, TableChange, TableService};
pub use user::{UserChange, UserService};
