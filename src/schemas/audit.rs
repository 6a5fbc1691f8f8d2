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

/// Which part of the log is asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only what was done in this way.
    #[param(example = "menu.updated")]
    action: Option<String>,
    /// How many entries at most.
    #[param(minimum = 1, maximum = 200, default = 50, example = 50)]
    limit: Option<i64>,
    /// The `next_cursor` of the page before.
    #[param(example = "0193475e-94a8-7d2c-9c57-0a6c1f3f7f10")]
    cursor: Option<String>,
}

impl AuditQuery {
    /// The part as the domain knows it.
    ///
    /// # Errors
    /// `MALFORMED_REQUEST` for a limit out of range, a cursor that was not given, an action there is none of.
    pub fn filter(&self) -> Result<(AuditFilter, PageLimit)> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let below = given(&self.cursor).map(|cursor| Uuid::try_parse(&cursor)).transpose();
        let action = given(&self.action).map(|name| {
            AuditAction::ALL.iter().find(|action| action.as_str() == name).ok_or(ErrorCode::MalformedRequest)
        });
        let filter = AuditFilter {
            below: below.map_err(|_| ErrorCode::MalformedRequest)?,
            action: action.transpose()?.copied(),
        };
        Ok((filter, limit(self.limit)?))
    }
}

/// Who did something.
#[derive(Serialize, ToSchema)]
pub struct AuditActor {
    /// `user` (staff), `table` (a tablet) or `operator` (the server's command line).
    #[schema(example = "user")]
    pub kind: String,
    /// The account's or table's id, which may be gone by now.
    #[schema(required, example = 1)]
    pub id: Option<i64>,
    /// The account's name or the table's number, as it was then.
    #[schema(example = "admin")]
    pub name: String,
    /// Where the request came from.
    #[schema(required, example = "192.0.2.7")]
    pub address: Option<String>,
}

/// A thing as it was at one moment, without anything secret.
#[derive(Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object, example = json!({"name": "김치찌개", "price": 9500, "is_available": true}))]
pub struct Snapshot(Value);

/// What was done.
#[derive(Serialize, ToSchema)]
pub struct AuditEntryResponse {
    /// The entry's id.
    #[schema(format = "uuid", example = "0193475e-94a8-7d2c-9c57-0a6c1f3f7f10")]
    pub id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: AuditActor,
    /// The kind of thing, and what was done to it: `menu.updated`, `order.deleted`, `user.login` …
    #[schema(example = "menu.updated")]
    pub action: String,
    /// The thing's id.
    #[schema(required, example = 7)]
    pub subject_id: Option<i64>,
    /// The thing before.
    #[schema(required)]
    pub before: Option<Snapshot>,
    /// The thing after.
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

/// A page of the log.
#[derive(Serialize, ToSchema)]
pub struct AuditListResponse {
    /// Newest first.
    pub entries: Vec<AuditEntryResponse>,
    /// What to send as `cursor` for the next page; `null` on the last.
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
