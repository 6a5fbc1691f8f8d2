//! The audit log: who changed what, and when.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Category, Device, MenuItem, Order, Table, User};

/// The kind of an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A user of the store.
    User,
    /// A table's tablet.
    Table,
    /// An operator: at the server's command line, or with the set-up code that it printed.
    Operator,
}

impl ActorKind {
    /// The kind as the audit log stores it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Table => "table",
            Self::Operator => "operator",
        }
    }
}

/// The author of a change. The name is copied, since the user or table may be deleted later.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// The user's or table's id.
    pub id: Option<i64>,
    /// The user's name or the table's number.
    pub name: String,
    /// The client's IP address.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// An operator at the server's command line.
    #[must_use]
    pub fn operator() -> Self {
        Self { kind: ActorKind::Operator, id: None, name: "command line".to_owned(), address: None }
    }

    /// An operator who sets up the first store with the code that the server printed.
    #[must_use]
    pub fn setup(address: IpAddr) -> Self {
        Self { kind: ActorKind::Operator, id: None, name: "set-up".to_owned(), address: Some(address) }
    }
}

macro_rules! audit_actions {
    ($($variant:ident $name:literal)*) => {
        /// An action that the audit log records.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum AuditAction {
            $(
                #[doc = concat!("`", $name, "`")]
                $variant,
            )*
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Logins and related actions. Their entries expire (`AUDIT_LOGIN_RETENTION_DAYS`); all others are kept.
            pub const OF_LOGINS: &[Self] = &[
                Self::UserLogin,
                Self::UserLoginFailed,
                Self::UserLogout,
                Self::TableLogin,
                Self::TableLoginFailed,
                Self::DeviceRenewed,
            ];

            /// The action as the audit log stores it: the kind of subject and what happened to it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

audit_actions! {
    UserLogin "user.login"
    UserLoginFailed "user.login_failed"
    UserLogout "user.logout"
    UserCreated "user.created"
    UserUpdated "user.updated"
    UserDeleted "user.deleted"
    UserPasswordChanged "user.password_changed"
    TableLogin "table.login"
    TableLoginFailed "table.login_failed"
    TableCreated "table.created"
    TableUpdated "table.updated"
    TableDeleted "table.deleted"
    DeviceRenewed "device.renewed"
    DeviceRevoked "device.revoked"
    SessionCompleted "session.completed"
    SessionReopened "session.reopened"
    OrderDeleted "order.deleted"
    OrderRestored "order.restored"
    CategoryCreated "category.created"
    CategoryUpdated "category.updated"
    CategoryDeleted "category.deleted"
    CategoriesReordered "category.reordered"
    MenuCreated "menu.created"
    MenuUpdated "menu.updated"
    MenuDeleted "menu.deleted"
    MenusReordered "menu.reordered"
    DemoRemoved "demo.removed"
}

/// An entry to insert.
#[derive(Debug, Clone)]
pub struct NewAuditEntry {
    /// The action.
    pub action: AuditAction,
    /// The id of the subject.
    pub subject_id: Option<i64>,
    /// The subject before the change.
    pub before: Option<Value>,
    /// The subject after the change.
    pub after: Option<Value>,
}

impl NewAuditEntry {
    /// An entry about `subject_id`, without the state before and after.
    #[must_use]
    pub fn new(action: AuditAction, subject_id: impl Into<Option<i64>>) -> Self {
        Self { action, subject_id: subject_id.into(), before: None, after: None }
    }

    /// Adds the subject before the change.
    #[must_use]
    pub fn before(self, before: impl Into<Value>) -> Self {
        Self { before: Some(before.into()), ..self }
    }

    /// Adds the subject after the change.
    #[must_use]
    pub fn after(self, after: impl Into<Value>) -> Self {
        Self { after: Some(after.into()), ..self }
    }
}

/// A stored entry.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// The entry's id, a UUID of version 7: ids sort by time.
    pub id: Uuid,
    /// When the change was made.
    pub at: DateTime<Utc>,
    /// The kind of actor.
    pub actor_kind: String,
    /// The user's or table's id.
    pub actor_id: Option<i64>,
    /// The user's name or the table's number.
    pub actor_name: String,
    /// The client's IP address.
    pub address: Option<String>,
    /// The action.
    pub action: String,
    /// The id of the subject.
    pub subject_id: Option<i64>,
    /// The subject before the change.
    pub before: Option<Value>,
    /// The subject after the change.
    pub after: Option<Value>,
}

impl From<&Category> for Value {
    fn from(category: &Category) -> Self {
        json!({"name": category.name, "display_order": category.display_order})
    }
}

impl From<&Device> for Value {
    fn from(device: &Device) -> Self {
        json!({
            "table_id": device.table_id,
            "table_number": device.table_number,
            "paired_at": device.paired_at,
            "last_seen_at": device.last_seen_at,
        })
    }
}

impl From<&MenuItem> for Value {
    fn from(item: &MenuItem) -> Self {
        let details = &item.details;
        json!({
            "name": details.name,
            "price": details.price.get(),
            "description": details.description,
            "category_id": details.category_id,
            "image_url": details.image_url,
            "is_available": details.is_available,
            "display_order": item.display_order,
        })
    }
}

impl From<&Order> for Value {
    fn from(order: &Order) -> Self {
        let lines: Vec<_> = order
            .items
            .iter()
            .map(|item| {
                json!({
                    "menu_name": item.menu_name,
                    "unit_price": item.unit_price.get(),
                    "quantity": item.quantity.get(),
                })
            })
            .collect();
        json!({
            "order_number": order.number.to_string(),
            "table_number": order.table_number,
            "status": order.status,
            "total_amount": order.total_amount.get(),
            "items": lines,
        })
    }
}

impl From<&Table> for Value {
    fn from(table: &Table) -> Self {
        json!({"table_number": table.table_number})
    }
}

impl From<&User> for Value {
    fn from(user: &User) -> Self {
        json!({"username": user.username, "role": user.role})
    }
}

/// Selects entries of the audit log.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only entries older than this one.
    pub below: Option<Uuid>,
    /// Only entries with this action.
    pub action: Option<AuditAction>,
}
