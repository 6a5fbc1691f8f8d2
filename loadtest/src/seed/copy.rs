//! Rows for `COPY … FROM STDIN (FORMAT binary)`: PostgreSQL reads them in less time than text.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::Result;

/// The signature, no flags, no header extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Seconds from 1970 to 2000, where PostgreSQL's times begin.
const POSTGRES_EPOCH: i64 = 946_684_800;

/// A column's value, which must be of exactly the column's type.
pub trait Value {
    /// Appends the value as PostgreSQL's binary input function of the type reads it. `false` for NULL.
    fn append(&self, bytes: &mut Vec<u8>) -> bool;
}

/// Rows of one table.
#[derive(Debug)]
pub struct Rows {
    statement: String,
    bytes: Vec<u8>,
}

impl Rows {
    /// Rows for these columns of `table`, separated by commas.
    pub fn new(table: &str, columns: &str) -> Self {
        let statement = format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)");
        Self { statement, bytes: HEADER.to_vec() }
    }

    pub fn push(&mut self, columns: &[&dyn Value]) {
        self.bytes.extend((columns.len() as i16).to_be_bytes());
        for column in columns {
            let length_at = self.bytes.len();
            self.bytes.extend((-1_i32).to_be_bytes());
            if column.append(&mut self.bytes) {
                let length = (self.bytes.len() - length_at - 4) as i32;
                self.bytes[length_at..length_at + 4].copy_from_slice(&length.to_be_bytes());
            }
        }
    }

    /// Writes the rows.
    pub async fn copy(mut self, conn: &mut PgConnection) -> Result<()> {
        self.bytes.extend(TRAILER);
        let mut copy = conn.copy_in_raw(&self.statement).await?;
        copy.send(self.bytes).await?;
        copy.finish().await?;
        Ok(())
    }
}

impl Value for i64 {
    fn append(&self, bytes: &mut Vec<u8>) -> bool {
        bytes.extend(self.to_be_bytes());
        true
    }
}

impl Value for i32 {
    fn append(&self, bytes: &mut Vec<u8>) -> bool {
        bytes.extend(self.to_be_bytes());
        true
    }
}

impl Value for i16 {
    fn append(&self, bytes: &mut Vec<u8>) -> bool {
        bytes.extend(self.to_be_bytes());
        true
    }
}

impl Value for &str {
    fn append(&self, bytes: &mut Vec<u8>) -> bool {
        bytes.extend(self.as_bytes());
        true
    }
}

impl Value for DateTime<Utc> {
    fn append(&self, bytes: &mut Vec<u8>) -> bool {
        (self.timestamp_micros() - POSTGRES_EPOCH * 1_000_000).append(bytes)
    }
}

impl Value for NaiveDate {
    fn append(&self, bytes: &mut Vec<u8>) -> bool {
        let days = self.to_epoch_days() - (POSTGRES_EPOCH / 86_400) as i32;
        days.append(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_its_number_of_columns_and_their_lengths() {
        let mut rows = Rows::new("x", "a, b, c, d");
        let day: NaiveDate = "2000-01-03".parse().unwrap();
        rows.push(&[&1_i64, &"김치", &day, &DateTime::from_timestamp(POSTGRES_EPOCH, 5_000).unwrap()]);
        let row = &rows.bytes[HEADER.len()..];
        let expected = [
            &[0, 4][..],
            &[0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1],
            &[0, 0, 0, 6],
            "김치".as_bytes(),
            &[0, 0, 0, 4, 0, 0, 0, 2],
            &[0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 5],
        ];
        assert_eq!(row, expected.concat());
    }
}
