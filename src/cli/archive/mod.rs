//! Backups: files that `pg_dump` writes in its custom format, and `pg_restore` reads.
//!
//! A backup is put back by our own connection: `pg_restore` only unpacks it into the statements it is made of. So all
//! of it happens in one transaction together with what must happen besides, or nothing of it; no password leaves
//! this process; and a program of a newer PostgreSQL does for an older server.

mod address;
mod child;
mod contents;
mod dump;
mod load;
mod programs;
mod script;

pub(super) use contents::Archive;
pub(super) use dump::dump;
pub(super) use load::load;
