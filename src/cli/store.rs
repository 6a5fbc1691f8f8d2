//! `tableorder store`: creates a store with its owner, and lists the stores.

use chrono::NaiveTime;
use chrono_tz::Tz;
use clap::{Args, Subcommand};

use super::connect::MigratedDatabase;
use super::{CliError, password, print_result, printable};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{AppError, ErrorCode};
use crate::models::{BusinessCalendar, StoreCode, Username};
use crate::security::password::Passwords;
use crate::services::{NewStore, StoreService};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a store and its owner; the password is read from a prompt or from standard input
    Create(Create),
    /// List the stores
    List,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The store's code, used to log in; 1 to 50 characters
    code: String,
    /// The name shown to guests; by default the code
    #[arg(long)]
    name: Option<String>,
    /// The owner's user name
    #[arg(long, default_value = "admin")]
    owner: String,
    /// The store's IANA time zone
    #[arg(long, default_value = "Asia/Seoul")]
    time_zone: Tz,
    /// The start of the business day, HH:MM in local time
    #[arg(long, default_value = "00:00", value_parser = time_of_day)]
    day_starts_at: NaiveTime,
}

fn time_of_day(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| "must look like 04:00".to_owned())
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), CliError> {
    match command {
        Command::Create(create) => self::create(config, create).await,
        Command::List => list(config).await,
    }
}

async fn create(config: &Config, create: Create) -> Result<(), CliError> {
    let code = StoreCode::parse(&create.code).ok_or("a store's code must have 1 to 50 printable characters")?;
    let owner = Username::parse(&create.owner).ok_or("a user name must have 1 to 50 printable characters")?;
    let owner_password = password::ask(&create.owner)?;
    let new = NewStore {
        name: create.name.unwrap_or(create.code),
        calendar: BusinessCalendar { time_zone: create.time_zone, day_starts_at: create.day_starts_at },
        code,
        owner,
        owner_password,
    };
    let migrated = MigratedDatabase::open(config).await?;
    let stores = StoreService::new(migrated.database.clone(), Passwords::new(config.login.queue)?, Clock::system());
    let created = stores.create(&new).await;
    migrated.close().await;
    match created {
        Err(AppError { code: ErrorCode::Duplicate, .. }) => {
            Err(format!("a store {} already exists", new.code.as_str()).into())
        }
        created => {
            created?;
            print_result(format_args!("created store {} with owner {}", new.code.as_str(), new.owner.as_str()));
            Ok(())
        }
    }
}

async fn list(config: &Config) -> Result<(), CliError> {
    let migrated = MigratedDatabase::of_existing(config).await?;
    let stores = StoreService::new(migrated.database.clone(), Passwords::new(config.login.queue)?, Clock::system());
    let listed = stores.list().await;
    migrated.close().await;
    for store in listed? {
        let day = store.calendar.day_starts_at.format("%H:%M");
        let (code, name) = (printable(&store.code), printable(&store.name));
        print_result(format_args!("{code}\t{name}\t{}\t{day}", store.calendar.time_zone));
    }
    Ok(())
}
