//! The audit log.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::page::limit;
use crate::error::{ErrorCode, Result};
use crate::models::{AuditAction, AuditEntry, AuditFilter, PageLimit};
use crate::services::AuditPage;

/// The filter and the page of the audit log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only entries with this action.
    #[param(example = "menu.updated")]
    action: Option<String>,
    /// The maximum number of entries.
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the previous page.
    #[param(example = "0193475e-94a8-7d2c-9c57-0a6c1f3f7f10")]
    cursor: Option<String>,
}

impl AuditQuery {
    /// Converts the query into models.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` for a limit out of range, an invalid cursor or an unknown action.
    pub fn filter(&self) -> Result<(AuditFilter, PageLimit)> {
        let non_empty = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let below = non_empty(&self.cursor).map(|cursor| Uuid::try_parse(&cursor)).transpose();
        let action = non_empty(&self.action).map(|name| {
            AuditAction::ALL.iter().find(|action| action.as_str() == name).ok_or(ErrorCode::MalformedRequest)
        });
        let filter = AuditFilter {
            below: below.map_err(|_| ErrorCode::MalformedRequest)?,
            action: action.transpose()?.copied(),
        };
        Ok((filter, limit(self.limit)?))
    }
}

/// The author of a change.
#[derive(Serialize, ToSchema)]
pub struct AuditActor {
    /// `user` (of the dashboard), `table` (a tablet) or `operator` (the server's command line, or
    /// the set-up of the first store).
    #[schema(example = "user")]
    pub kind: String,
    /// The id of the user or table, which may have been deleted since.
    #[schema(required, example = 1)]
    pub id: Option<i64>,
    /// The user's name or the table's number at that time.
    #[schema(example = "admin")]
    pub name: String,
    /// The client's IP address.
    #[schema(required, example = "192.0.2.7")]
    pub address: Option<String>,
}

/// The state of a subject at one time, without secrets.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object, example = json!({"name": "김치찌개", "price": 9500, "is_available": true}))]
pub struct Snapshot(Value);

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditEntryResponse {
    /// The entry's id.
    #[schema(format = "uuid", example = "0193475e-94a8-7d2c-9c57-0a6c1f3f7f10")]
    pub id: String,
    /// When the change was made.
    pub at: DateTime<Utc>,
    /// The author of the change.
    pub actor: AuditActor,
    /// The kind of subject and what happened to it: `menu.updated`, `order.deleted`, `user.login` …
    #[schema(example = "menu.updated")]
    pub action: String,
    /// The subject's id.
    #[schema(required, example = 7)]
    pub subject_id: Option<i64>,
    /// The subject before the change.
    #[schema(required)]
    pub before: Option<Snapshot>,
    /// The subject after the change.
    #[schema(required)]
    pub after: Option<Snapshot>,
}

impl From<AuditEntry> for AuditEntryResponse {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: entry.at,
            actor: AuditActor {
                kind: entry.actor_kind,
                id: entry.actor_id,
                name: entry.actor_name,
                address: entry.address,
            },
            action: entry.action,
            subject_id: entry.subject_id,
            before: entry.before.map(Snapshot),
            after: entry.after.map(Snapshot),
        }
    }
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditListResponse {
    /// The entries, newest first.
    pub entries: Vec<AuditEntryResponse>,
    /// The `cursor` of the next page; `null` on the last page.
    #[schema(required, example = "0193475e-94a8-7d2c-9c57-0a6c1f3f7f10")]
    pub next_cursor: Option<String>,
}

impl From<AuditPage> for AuditListResponse {
    fn from(page: AuditPage) -> Self {
        Self {
            entries: page.entries.into_iter().map(AuditEntryResponse::from).collect(),
            next_cursor: page.next.map(|next| next.to_string()),
        }
    }
}
