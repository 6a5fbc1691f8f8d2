//! Many rows at once, by COPY: for data sets, not for requests.

use std::fmt::{Display, Write};

use sqlx::PgConnection;

use crate::error::{AppError, Result};

/// A table whose ids can be taken ahead of its rows.
#[derive(Debug, Clone, Copy)]
pub enum Identity {
    /// `tables`
    Tables,
    /// `table_sessions`
    Sessions,
    /// `categories`
    Categories,
    /// `menus`
    Menus,
    /// `orders`
    Orders,
}

impl Identity {
    fn table(self) -> &'static str {
        match self {
            Self::Tables => "tables",
            Self::Sessions => "table_sessions",
            Self::Categories => "categories",
            Self::Menus => "menus",
            Self::Orders => "orders",
        }
    }
}

/// Takes `count` ids that no other row will have.
pub async fn take_ids(conn: &mut PgConnection, identity: Identity, count: usize) -> Result<Vec<i64>> {
    let count = i32::try_from(count).map_err(AppError::internal)?;
    Ok(sqlx::query_scalar!(
        r#"SELECT nextval(pg_get_serial_sequence($1, 'id')) AS "id!" FROM generate_series(1, $2)"#,
        identity.table(),
        count
    )
    .fetch_all(conn)
    .await?)
}

/// Rows on their way into a table, in COPY's text format.
#[derive(Debug)]
pub struct Rows {
    copy: &'static str,
    text: String,
}

impl Rows {
    /// Rows for the statement `copy`, a `COPY table (columns) FROM STDIN`.
    #[must_use]
    pub fn new(copy: &'static str) -> Self {
        Self { copy, text: String::new() }
    }

    /// Adds a row; `None` is NULL.
    pub fn push(&mut self, columns: &[Option<&dyn Display>]) {
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                self.text.push('\t');
            }
            match column {
                Some(value) => self.push_escaped(value),
                None => self.text.push_str("\\N"),
            }
        }
        self.text.push('\n');
    }

    fn push_escaped(&mut self, value: &dyn Display) {
        let start = self.text.len();
        // Writing into a String does not fail.
        let _ = write!(self.text, "{value}");
        if self.text.get(start..).is_some_and(|text| text.contains(['\\', '\t', '\n', '\r'])) {
            let raw = self.text.split_off(start);
            for c in raw.chars() {
                match c {
                    '\\' => self.text.push_str("\\\\"),
                    '\t' => self.text.push_str("\\t"),
                    '\n' => self.text.push_str("\\n"),
                    '\r' => self.text.push_str("\\r"),
                    c => self.text.push(c),
                }
            }
        }
    }

    /// Writes the rows.
    pub async fn copy(self, conn: &mut PgConnection) -> Result<()> {
        let mut copy = conn.copy_in_raw(self.copy).await?;
        copy.send(self.text.into_bytes()).await?;
        copy.finish().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_copy_would_misread_is_escaped() {
        let mut rows = Rows::new("COPY x FROM STDIN");
        rows.push(&[Some(&1), None, Some(&"a\\b\tc\nd"), Some(&"김치")]);
        assert_eq!(rows.text, "1\t\\N\ta\\\\b\\tc\\nd\t김치\n");
    }
}
