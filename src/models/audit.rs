//! The audit log: who changed what, and when.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Category, Device, MenuItem, Order, Table, User};

/// What kind of actor did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A staff account.
    User,
    /// A table's tablet.
    Table,
    /// Whoever has the server's command line.
    Operator,
}

impl ActorKind {
    /// The kind as it is written down.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Table => "table",
            Self::Operator => "operator",
        }
    }
}

/// Who did something. The name is kept with it, since accounts go.
#[derive(Debug, Clone)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// The account's or table's id.
    pub id: Option<i64>,
    /// The account's name, the table's number.
    pub name: String,
    /// Where the request came from.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// Whoever has the server's command line.
    #[must_use]
    pub fn operator() -> Self {
        Self { kind: ActorKind::Operator, id: None, name: "command line".to_owned(), address: None }
    }
}

macro_rules! audit_actions {
    ($($variant:ident $name:literal)*) => {
        /// What was done, to what.
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

            /// Logins and what belongs to them. Entries of these are kept for a limited time, all others for ever.
            pub const OF_LOGINS: &[Self] = &[
                Self::UserLogin,
                Self::UserLoginFailed,
                Self::UserLogout,
                Self::TableLogin,
                Self::TableLoginFailed,
                Self::DeviceRenewed,
            ];

            /// The action as it is written down: the kind of thing and what became of it.
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
}

/// An entry about to be written.
#[derive(Debug, Clone)]
pub struct NewAuditEntry {
    /// What was done.
    pub action: AuditAction,
    /// The id of what it was done to.
    pub subject_id: Option<i64>,
    /// What that was before.
    pub before: Option<Value>,
    /// What it is now.
    pub after: Option<Value>,
}

impl NewAuditEntry {
    /// Something that was done to `subject_id`.
    #[must_use]
    pub fn new(action: AuditAction, subject_id: impl Into<Option<i64>>) -> Self {
        Self { action, subject_id: subject_id.into(), before: None, after: None }
    }

    /// What the subject was before.
    #[must_use]
    pub fn before(self, before: impl Into<Value>) -> Self {
        Self { before: Some(before.into()), ..self }
    }

    /// What the subject is now.
    #[must_use]
    pub fn after(self, after: impl Into<Value>) -> Self {
        Self { after: Some(after.into()), ..self }
    }
}

/// An entry as it stands in the log.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// The entry's id, which grows with time.
    pub id: Uuid,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// What kind of actor did it.
    pub actor_kind: String,
    /// The account's or table's id.
    pub actor_id: Option<i64>,
    /// The account's name, the table's number.
    pub actor_name: String,
    /// Where the request came from.
    pub address: Option<String>,
    /// What was done.
    pub action: String,
    /// The id of what it was done to.
    pub subject_id: Option<i64>,
    /// What that was before.
    pub before: Option<Value>,
    /// What it is now.
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

/// Which part of the log is asked for.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Go on below this entry.
    pub below: Option<Uuid>,
    /// Only what was done in this way.
    pub action: Option<AuditAction>,
}
