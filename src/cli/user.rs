//! `tableorder user`: creates users of a store and resets their passwords.

use clap::{Args, Subcommand, ValueEnum};

use super::connect::MigratedDatabase;
use super::{CliError, password, print_result};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{AppError, ErrorCode};
use crate::models::{Actor, Role, StoreCode, Username};
use crate::security::password::Passwords;
use crate::security::throttle::LoginThrottle;
use crate::services::UserService;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a user; the password is read from a prompt or from standard input
    Create {
        #[command(flatten)]
        account: Account,
        /// The user's role
        #[arg(long, value_enum, default_value_t = RoleName::Staff)]
        role: RoleName,
    },
    /// Set a new password; all logins of the user end
    ResetPassword {
        #[command(flatten)]
        account: Account,
    },
}

#[derive(Debug, Args)]
pub(super) struct Account {
    /// The store's code
    store: String,
    /// The user's name
    username: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum RoleName {
    Owner,
    Staff,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Owner => Self::Owner,
            RoleName::Staff => Self::Staff,
        }
    }
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), CliError> {
    let (Command::Create { account, .. } | Command::ResetPassword { account }) = &command;
    let store = StoreCode::parse(&account.store).ok_or("a store's code must have 1 to 50 printable characters")?;
    let username = Username::parse(&account.username).ok_or("a user name must have 1 to 50 printable characters")?;
    let password = password::ask(username.as_str())?;

    let migrated = MigratedDatabase::of_existing(config).await?;
    let clock = Clock::system();
    let passwords = Passwords::new(config.login.queue)?;
    let throttle = LoginThrottle::new(migrated.database.clone(), clock.clone(), &config.login);
    let users = UserService::new(migrated.database.clone(), passwords, None, throttle, config.store_limits, clock);
    let (done, result) = match command {
        Command::Create { role, .. } => ("created", create(&users, &store, &username, password, role.into()).await),
        Command::ResetPassword { .. } => {
            ("set a new password for", reset_password(&users, &store, &username, password).await)
        }
    };
    migrated.close().await;
    match result {
        Ok(()) => {
            print_result(format_args!("{done} user {} of store {}", username.as_str(), store.as_str()));
            Ok(())
        }
        Err(AppError { code: ErrorCode::StoreNotFound, .. }) => {
            Err(format!("there is no store {}", store.as_str()).into())
        }
        Err(AppError { code: ErrorCode::UserNotFound, .. }) => {
            Err(format!("store {} has no user {}", store.as_str(), username.as_str()).into())
        }
        Err(AppError { code: ErrorCode::Duplicate, .. }) => {
            Err(format!("store {} already has a user {}", store.as_str(), username.as_str()).into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn create(
    users: &UserService,
    store: &StoreCode,
    username: &Username,
    password: String,
    role: Role,
) -> Result<(), AppError> {
    let store = users.store_id(store).await?;
    users.create(store, &Actor::operator(), username, password, role).await.map(|_| ())
}

async fn reset_password(
    users: &UserService,
    store: &StoreCode,
    username: &Username,
    password: String,
) -> Result<(), AppError> {
    users.reset_password(users.store_id(store).await?, username, password).await
}
