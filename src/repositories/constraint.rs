//! Maps the violation of a named constraint to a domain error. Insert and map the violation; never check before the insert,
//! because the check would race with other transactions.

use sqlx::postgres::PgQueryResult;

use crate::error::{AppError, ErrorCode, Result};

/// Maps the violation of a named constraint to a domain error.
pub trait OnConstraint<T> {
    /// Replaces the error by `code` if the statement violated `constraint`.
    fn on_constraint(self, constraint: &str, code: ErrorCode) -> Result<T>;
}

impl<T> OnConstraint<T> for sqlx::Result<T> {
    fn on_constraint(self, constraint: &str, code: ErrorCode) -> Result<T> {
        self.map_err(|error| match violated_constraint(&error) {
            Some(name) if name == constraint => AppError::caused_by(code, error),
            _ => error.into(),
        })
    }
}

impl<T> OnConstraint<T> for Result<T> {
    fn on_constraint(self, constraint: &str, code: ErrorCode) -> Result<T> {
        self.map_err(|error| {
            let violated = error.database_cause().and_then(violated_constraint);
            if violated == Some(constraint) { AppError { code, ..error } } else { error }
        })
    }
}

/// The name of the violated constraint. A distributed database names it only in the message, with the shard's number as a
/// suffix (`orders_number_key_102202`).
fn violated_constraint(error: &sqlx::Error) -> Option<&str> {
    let error = error.as_database_error()?;
    if !error.code().is_some_and(|state| state.starts_with("23")) {
        return None;
    }
    let name = error.constraint().or_else(|| quoted_after_constraint(error.message()))?;
    Some(without_shard(name))
}

fn quoted_after_constraint(message: &str) -> Option<&str> {
    message.split_once("constraint \"")?.1.split('"').next()
}

fn without_shard(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((base, shard)) if !shard.is_empty() && shard.bytes().all(|byte| byte.is_ascii_digit()) => base,
        _ => name,
    }
}

/// Checks that a write changed exactly one row.
///
/// # Errors
/// `missing` if it changed none.
pub fn expect_one(result: &PgQueryResult, missing: ErrorCode) -> Result<()> {
    match result.rows_affected() {
        1 => Ok(()),
        0 => Err(missing.into()),
        more => Err(AppError::internal(format!("a write for one row changed {more} rows"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_suffix_is_not_part_of_the_name() {
        assert_eq!(without_shard("orders_number_key_102202"), "orders_number_key");
        assert_eq!(without_shard("orders_number_key"), "orders_number_key");
        assert_eq!(
            quoted_after_constraint("duplicate key value violates unique constraint \"users_username_key_102008\""),
            Some("users_username_key_102008")
        );
    }
}
