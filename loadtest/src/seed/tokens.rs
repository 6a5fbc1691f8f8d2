//! Ready tokens, so that a load need not log in thousands of times.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sqlx::PgConnection;
use tableorder::clock::Clock;
use tableorder::config::{JwtConfig, Secret};
use tableorder::security::token::{Audience, Subject, Tokens};

use super::stores::{Store, Table};
use crate::Result;

/// Makes tokens that are valid for a server with the same database and settings.
pub struct Issuer {
    tokens: Tokens,
    config: JwtConfig,
}

impl Issuer {
    pub async fn new(conn: &mut PgConnection, secret: &Secret, config: &JwtConfig) -> Result<Self> {
        let epoch = sqlx::query_scalar("SELECT epoch FROM event_epochs").fetch_one(conn).await?;
        let tokens = Tokens::new(secret, &[], config.algorithm, epoch, Clock::system());
        Ok(Self { tokens, config: config.clone() })
    }

    /// A token of a tablet: for the table's unfinished session, and given to the table's device if it has one.
    pub fn table(&self, store: &Store, table: Table) -> Result<String> {
        let subject = Subject {
            audience: Audience::Table,
            id: table.id.0,
            store: store.id,
            session: Some(table.session),
            device: table.device,
            version: 1,
        };
        Ok(self.tokens.issue(subject, self.config.table_lifetime)?.token)
    }

    /// A token of the store's owner. Each one is a login of its own.
    pub fn admin(&self, store: &Store) -> Result<String> {
        let subject = Subject {
            audience: Audience::Admin,
            id: store.admin.0,
            store: store.id,
            session: None,
            device: None,
            version: 1,
        };
        Ok(self.tokens.issue(subject, self.config.admin_lifetime)?.token)
    }
}

/// Writes tables.tsv (store, token), admins.tsv (store, token) and menus.tsv (store, menu item's id).
pub fn write(directory: &Path, issuer: &Issuer, stores: &[Store]) -> Result<()> {
    fs::create_dir_all(directory)?;
    let file = |name: &str| NewFile::create(directory.join(name));
    let (mut tables, mut admins, mut menus) = (file("tables.tsv")?, file("admins.tsv")?, file("menus.tsv")?);
    for store in stores {
        for table in &store.tables {
            tables.line(&store.code, issuer.table(store, *table)?)?;
        }
        admins.line(&store.code, issuer.admin(store)?)?;
        for item in &store.menu_items {
            menus.line(&store.code, item)?;
        }
    }
    tables.finish()?;
    admins.finish()?;
    Ok(menus.finish()?)
}

/// A file that gets its name when it is complete, so that a failed run does not replace the file of an earlier one.
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
