//! `tableorder seed`: believable stores to try, or to test under load.

mod plan;
mod write;

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use scoped_futures::ScopedFutureExt;
use uuid::Uuid;

use self::plan::{Plan, Size};
use self::write::{Hashes, Target, Written};
use super::connect::{Connected, token_secret};
use super::{CliError, say};
use crate::clock::Clock;
use crate::config::{AppEnv, Config};
use crate::error::{AppError, ErrorCode};
use crate::models::StoreCode;
use crate::repositories::event;
use crate::security::password::hash_now;
use crate::security::token::{Audience, Subject, Tokens};

/// The passwords of every made-up store.
const ADMIN_PASSWORD: &str = "admin1234";
const TABLE_PASSWORD: &str = "1234";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many stores
    #[arg(long, default_value_t = 1)]
    stores: usize,
    /// Tables a store
    #[arg(long, default_value_t = 10)]
    tables: usize,
    /// Dishes a store
    #[arg(long, default_value_t = 40)]
    menus: usize,
    /// Days of past orders
    #[arg(long, default_value_t = 0)]
    days: u32,
    /// Past orders a day and store
    #[arg(long, default_value_t = 50)]
    orders_per_day: usize,
    /// The same seed makes the same stores
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// What the stores' codes begin with: store-001, store-002 …
    #[arg(long, default_value = "store")]
    prefix: String,
    /// The day history ends before; by default today in Seoul
    #[arg(long)]
    today: Option<NaiveDate>,
    /// Write ready tokens here: tables.tsv, admins.tsv (store, token) and menus.tsv (store, menu id)
    #[arg(long, value_name = "DIR")]
    tokens: Option<PathBuf>,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<(), CliError> {
    if config.env == AppEnv::Production {
        return Err("seed makes accounts with well-known passwords: not in production".into());
    }
    let connected = Connected::open(config).await?;
    let result = seed(config, &connected, &arguments).await;
    connected.close().await;
    result?;
    say(format_args!(
        "made {} stores: {}-001 …, owner admin with {ADMIN_PASSWORD}, tables with {TABLE_PASSWORD}",
        arguments.stores, arguments.prefix
    ));
    Ok(())
}

async fn seed(config: &Config, connected: &Connected, arguments: &Arguments) -> Result<(), CliError> {
    let clock = Clock::system();
    let size = Size {
        tables: arguments.tables,
        menus: arguments.menus,
        days: arguments.days,
        orders_per_day: arguments.orders_per_day,
    };
    let now = clock.now();
    let today = arguments.today.unwrap_or_else(|| now.with_timezone(&chrono_tz::Asia::Seoul).date_naive());
    let hashes = Hashes { admin: hash_now(ADMIN_PASSWORD)?, table: hash_now(TABLE_PASSWORD)? };
    let mut tokens = match &arguments.tokens {
        Some(directory) => {
            let epoch = connected.database.read(|conn| event::epoch(conn).scope_boxed()).await?;
            Some(TokenFiles::create(directory, config, epoch, clock)?)
        }
        None => None,
    };
    let progress = progress_bar(arguments);
    for number in 1..=arguments.stores {
        let code = format!("{}-{number:03}", arguments.prefix);
        let code = StoreCode::parse(&code).ok_or("the prefix makes no valid store code")?;
        let target = Target { database: &connected.database, code: &code, hashes: &hashes, size, today, now };
        let written = write::write(&target, || Plan::new(arguments.seed, number, size), |orders| progress.inc(orders))
            .await
            .map_err(|error| match error {
                AppError { code: ErrorCode::Duplicate, .. } => CliError::from(format!(
                    "there is a store {} already: seed an empty database, or choose another --prefix",
                    code.as_str()
                )),
                error => error.into(),
            })?;
        progress.inc(1);
        if let Some(tokens) = &mut tokens {
            tokens.write(code.as_str(), &written)?;
        }
    }
    progress.finish_and_clear();
    if let Some(tokens) = tokens {
        tokens.finish()?;
    }
    Ok(())
}

/// Counts stores and their past orders.
fn progress_bar(arguments: &Arguments) -> ProgressBar {
    let a_store = 1 + u64::from(arguments.days) * arguments.orders_per_day as u64;
    let bar = ProgressBar::new(arguments.stores as u64 * a_store);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} rows, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// Ready tokens, valid for a server started with the same settings.
struct TokenFiles {
    issuer: Tokens,
    config: Config,
    tables: NewFile,
    admins: NewFile,
    menus: NewFile,
}

/// A file that takes its name once it is complete, so a failed run leaves an earlier one as it was.
struct NewFile {
    path: PathBuf,
    writer: BufWriter<File>,
}

impl NewFile {
    fn create(path: PathBuf) -> io::Result<Self> {
        let writer = BufWriter::new(File::create(path.with_extension("new"))?);
        Ok(Self { path, writer })
    }

    fn line(&mut self, store: &str, value: impl Display) -> io::Result<()> {
        writeln!(self.writer, "{store}\t{value}")
    }

    fn finish(mut self) -> io::Result<()> {
        self.writer.flush()?;
        fs::rename(self.path.with_extension("new"), self.path)
    }
}

impl TokenFiles {
    fn create(directory: &Path, config: &Config, epoch: Uuid, clock: Clock) -> Result<Self, CliError> {
        fs::create_dir_all(directory)?;
        let file = |name: &str| NewFile::create(directory.join(name));
        Ok(Self {
            issuer: Tokens::new(&token_secret(config)?, &[], config.jwt.algorithm, epoch, clock),
            config: config.clone(),
            tables: file("tables.tsv")?,
            admins: file("admins.tsv")?,
            menus: file("menus.tsv")?,
        })
    }

    fn write(&mut self, store: &str, written: &Written) -> Result<(), CliError> {
        let subject =
            |audience, id, session| Subject { audience, id, store: written.store, session, device: None, version: 1 };
        for (table, session) in &written.tables {
            let subject = subject(Audience::Table, table.0, Some(*session));
            let token = self.issuer.issue(subject, self.config.jwt.table_lifetime)?.token;
            self.tables.line(store, token)?;
        }
        let subject = subject(Audience::Admin, written.admin.0, None);
        let token = self.issuer.issue(subject, self.config.jwt.admin_lifetime)?.token;
        self.admins.line(store, token)?;
        for menu in &written.menus {
            self.menus.line(store, menu)?;
        }
        Ok(())
    }

    fn finish(self) -> io::Result<()> {
        self.tables.finish()?;
        self.admins.finish()?;
        self.menus.finish()
    }
}
