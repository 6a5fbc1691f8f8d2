//! The set-up of the first store.

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::{Validate, ValidationError};

use super::validators::{object, one_line, store_code};
use crate::error::{AppError, Reason, Result};
use crate::models::{BusinessCalendar, SetupStatus, StoreCode, Username};
use crate::services::{NewStore, OpenSetup};

/// The format of a time of day.
const TIME_OF_DAY: &str = "%H:%M";

/// Whether a first store can be set up.
#[derive(Serialize, ToSchema)]
pub struct SetupResponse {
    /// `open`: with the code that the server printed; `expired`: after a restart of the server, which prints a new code;
    /// `closed`: there is a store already.
    pub status: SetupStatus,
    /// Whether there is any store, the demo included.
    #[schema(example = false)]
    pub has_store: bool,
}

/// The code that the server printed.
#[derive(Deserialize, Validate, ToSchema)]
pub struct SetupCodeRequest {
    /// The code; separators and upper case do not matter.
    #[schema(example = "0a1b2-c3d4e-5f607-18293")]
    pub code: String,
}

/// A valid code.
#[derive(Serialize, ToSchema)]
pub struct SetupCodeResponse {
    /// When the code expires.
    pub expires_at: DateTime<Utc>,
    /// The addresses of the server's machine in its local networks, under which tablets reach it. Empty if they are not
    /// known.
    #[schema(example = json!(["192.168.0.10"]))]
    pub lan_hosts: Vec<String>,
    /// Whether only programs on the server's own machine can connect to it (`HOST=127.0.0.1`), so that tablets need a proxy.
    #[schema(example = false)]
    pub is_local_only: bool,
}

impl From<OpenSetup> for SetupCodeResponse {
    fn from(setup: OpenSetup) -> Self {
        Self {
            expires_at: setup.expires_at,
            lan_hosts: setup.lan_hosts.iter().map(ToString::to_string).collect(),
            is_local_only: setup.is_local_only,
        }
    }
}

/// The first store and its owner.
#[derive(Deserialize, Validate, ToSchema)]
pub struct FirstStoreRequest {
    /// The code that the server printed.
    #[schema(example = "0a1b2-c3d4e-5f607-18293")]
    pub code: String,
    /// The store.
    #[serde(deserialize_with = "object")]
    #[validate(nested)]
    pub store: FirstStore,
    /// Its owner.
    #[serde(deserialize_with = "object")]
    #[validate(nested)]
    pub owner: FirstOwner,
}

/// A store to create.
#[derive(Deserialize, Validate, ToSchema)]
pub struct FirstStore {
    /// The store's code, which tablets and users log in with. It cannot be changed: lower-case letters, digits and hyphens.
    #[validate(length(min = 2, max = 50), custom(function = store_code))]
    #[schema(pattern = "store_code", min_length = 2, max_length = 50, example = "kimchi")]
    pub store_id: String,
    /// The name that guests see.
    #[validate(length(min = 1, max = 100), custom(function = one_line))]
    #[schema(pattern = "one_line", min_length = 1, max_length = 100, example = "김치식당")]
    pub name: String,
    /// The store's IANA time zone.
    #[serde(default = "seoul")]
    #[validate(custom(function = time_zone))]
    #[schema(default = "Asia/Seoul", example = "Asia/Seoul")]
    pub time_zone: String,
    /// The local time at which a business day begins, HH:MM.
    #[serde(default = "midnight")]
    #[validate(custom(function = time_of_day))]
    #[schema(default = "00:00", pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "04:00")]
    pub day_starts_at: String,
}

/// The owner of a new store.
#[derive(Deserialize, Validate, ToSchema)]
pub struct FirstOwner {
    /// The name that the owner logs in with.
    #[validate(length(min = 1, max = 50), custom(function = one_line))]
    #[schema(pattern = "one_line", min_length = 1, max_length = 50, example = "boss")]
    pub username: String,
    /// The owner's password.
    #[validate(length(min = 4, max = 128))]
    #[schema(min_length = 4, max_length = 128, example = "a very good one")]
    pub password: String,
}

fn seoul() -> String {
    chrono_tz::Asia::Seoul.name().to_owned()
}

fn midnight() -> String {
    "00:00".to_owned()
}

fn time_zone(name: &str) -> Result<(), ValidationError> {
    name.parse::<Tz>().map(drop).map_err(|_| ValidationError::new("time_zone"))
}

fn time_of_day(text: &str) -> Result<(), ValidationError> {
    parse_time_of_day(text).map(drop).ok_or_else(|| ValidationError::new("time_of_day"))
}

fn parse_time_of_day(text: &str) -> Option<NaiveTime> {
    // The parser also accepts 4:00.
    NaiveTime::parse_from_str(text, TIME_OF_DAY).ok().filter(|time| time.format(TIME_OF_DAY).to_string() == text)
}

impl FirstStoreRequest {
    /// Converts the request into models.
    ///
    /// # Errors
    /// `VALIDATION_ERROR` for a value that the validation accepts but a model does not.
    pub fn into_store(self) -> Result<NewStore> {
        let Self { store, owner, .. } = self;
        let invalid = |field: &str, reason: Reason| AppError::invalid_field(field, reason);
        Ok(NewStore {
            code: StoreCode::parse(&store.store_id).ok_or_else(|| invalid("store.store_id", Reason::Unprintable))?,
            name: store.name,
            calendar: BusinessCalendar {
                time_zone: store.time_zone.parse().map_err(|_| invalid("store.time_zone", Reason::WrongType))?,
                day_starts_at: parse_time_of_day(&store.day_starts_at)
                    .ok_or_else(|| invalid("store.day_starts_at", Reason::WrongType))?,
            },
            owner: Username::parse(&owner.username).ok_or_else(|| invalid("owner.username", Reason::Unprintable))?,
            owner_password: owner.password,
        })
    }
}

/// The store that was created. Log its owner in with the password.
#[derive(Serialize, ToSchema)]
pub struct FirstStoreResponse {
    /// The store's code.
    #[schema(example = "kimchi")]
    pub store_id: String,
    /// The store's name.
    #[schema(example = "김치식당")]
    pub store_name: String,
    /// The owner's name.
    #[schema(example = "boss")]
    pub username: String,
}

impl From<NewStore> for FirstStoreResponse {
    fn from(store: NewStore) -> Self {
        Self {
            store_id: store.code.as_str().to_owned(),
            store_name: store.name,
            username: store.owner.as_str().to_owned(),
        }
    }
}
