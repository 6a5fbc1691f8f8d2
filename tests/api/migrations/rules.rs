//! The rules of `migrations/README.md` that a parser can check: changes that break an older program, that lock a table for
//! long, or that Citus refuses.

use std::collections::HashSet;

use regex::Regex;
use sqlparser::ast::{
    AlterColumnOperation, AlterTableOperation, AlterTypeOperation, ColumnDef, ColumnOption, Expr, Statement,
    TableConstraint,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

/// The first line of a file that must run outside a transaction.
const NO_TRANSACTION: &str = "-- no-transaction";

/// The first line of a file that removes something, with the last release that used it.
const CONTRACT: &str = r"(?m)^-- contract: unused since \d+\.\d+\.\d+$";

/// The tables that these files create. No program uses them yet.
pub fn created_tables(files: &[(String, String)]) -> HashSet<String> {
    let created = files.iter().filter_map(|(_, sql)| Parser::parse_sql(&PostgreSqlDialect {}, sql).ok()).flatten();
    created
        .filter_map(|statement| match statement {
            Statement::CreateTable(table) => Some(table.name.to_string()),
            _ => None,
        })
        .collect()
}

/// The rules that a file breaks, as sentences. `created` are the tables created by unreleased files.
pub fn faults(sql: &str, created: &HashSet<String>) -> Vec<String> {
    let code = Regex::new(r"(?m)--.*$").unwrap().replace_all(sql, "");
    let code = code.trim();
    let contracts = Regex::new(CONTRACT).unwrap().is_match(sql);
    let is_outside = sql.starts_with(NO_TRANSACTION);
    if let Some(body) = code.strip_prefix("DO ") {
        return block_faults(body, contracts, is_outside);
    }
    if Regex::new(r"(?i)^DROP INDEX CONCURRENTLY \w+;?$").unwrap().is_match(code) {
        return outside(is_outside).into_iter().chain(contract(contracts)).collect();
    }
    let statements = match Parser::parse_sql(&PostgreSqlDialect {}, sql) {
        Ok(statements) => statements,
        Err(error) => return vec![format!("cannot be parsed: {error}")],
    };
    let [statement] = statements.as_slice() else {
        return vec![format!(
            "has {} statements instead of one: Citus refuses several statements in one message",
            statements.len()
        )];
    };
    let mut faults = statement_faults(statement, created, contracts, is_outside);
    let is_concurrent = matches!(statement, Statement::CreateIndex(index) if index.concurrently);
    if is_outside && !is_concurrent {
        faults.push("runs outside a transaction needlessly".to_owned());
    }
    faults
}

fn statement_faults(
    statement: &Statement,
    created: &HashSet<String>,
    contracts: bool,
    is_outside: bool,
) -> Vec<String> {
    match statement {
        Statement::CreateFunction(function) if function.or_replace => {
            vec!["replaces a function that an older program calls: give the new version a new name".to_owned()]
        }
        Statement::CreateFunction(_)
        | Statement::CreateTable(_)
        | Statement::CreateType { .. }
        | Statement::Insert(_) => Vec::new(),
        Statement::CreateIndex(index) if created.contains(&index.table_name.to_string()) => Vec::new(),
        Statement::CreateIndex(index) => {
            let mut faults = Vec::new();
            if !index.concurrently {
                faults.push("blocks writes while it builds an index: use CREATE INDEX CONCURRENTLY".to_owned());
            }
            if index.if_not_exists || index.name.is_none() {
                faults.push("must name its index and not use IF NOT EXISTS, which would accept an invalid index of a failed attempt".to_owned());
            }
            faults.extend(outside(is_outside));
            faults
        }
        Statement::AlterType(alter) => match alter.operation {
            AlterTypeOperation::AddValue(_) => Vec::new(),
            _ => vec!["renames something that an older program uses".to_owned()],
        },
        Statement::AlterTable(alter) => {
            let mut faults: Vec<_> =
                alter.operations.iter().flat_map(|operation| alter_table_faults(operation, contracts)).collect();
            if alter.operations.len() != 1 {
                faults.push("makes several changes to a table: use one file for each".to_owned());
            }
            faults
        }
        Statement::Drop { .. } | Statement::DropFunction(_) => contract(contracts).into_iter().collect(),
        other => {
            let start: String = other.to_string().chars().take(40).collect();
            vec![format!("is not allowed in a migration: {start}")]
        }
    }
}

fn alter_table_faults(operation: &AlterTableOperation, contracts: bool) -> Vec<String> {
    match operation {
        AlterTableOperation::AddColumn { column_def, .. } => new_column_faults(column_def),
        AlterTableOperation::AddConstraint {
            constraint: TableConstraint::Check(_) | TableConstraint::ForeignKey(_),
            not_valid,
        } => {
            if *not_valid {
                return Vec::new();
            }
            vec![
                "blocks writes while it reads the whole table: use NOT VALID here and VALIDATE CONSTRAINT in the next file"
                    .to_owned(),
            ]
        }
        AlterTableOperation::AddConstraint { .. } => {
            vec!["locks the table while it builds an index: use CREATE UNIQUE INDEX CONCURRENTLY".to_owned()]
        }
        AlterTableOperation::ValidateConstraint { .. } => Vec::new(),
        AlterTableOperation::AlterColumn { op, .. } => match op {
            AlterColumnOperation::DropNotNull
            | AlterColumnOperation::DropDefault
            | AlterColumnOperation::SetDefault { .. } => Vec::new(),
            // An older program does not set the column. Besides, PostgreSQL reads every row unless a CHECK proves NOT NULL.
            AlterColumnOperation::SetNotNull => contract(contracts).into_iter().collect(),
            AlterColumnOperation::SetDataType { .. } | AlterColumnOperation::AddGenerated { .. } => {
                vec!["rewrites the whole table: add a column instead".to_owned()]
            }
        },
        AlterTableOperation::DropColumn { .. } | AlterTableOperation::DropConstraint { .. } => {
            contract(contracts).into_iter().collect()
        }
        AlterTableOperation::RenameColumn { .. }
        | AlterTableOperation::RenameTable { .. }
        | AlterTableOperation::RenameConstraint { .. } => {
            vec!["renames something that an older program uses".to_owned()]
        }
        other => vec![format!("is not allowed in a migration: {other}")],
    }
}

fn new_column_faults(column: &ColumnDef) -> Vec<String> {
    let mut faults = Vec::new();
    let (mut is_required, mut has_default) = (false, false);
    for option in &column.options {
        match &option.option {
            ColumnOption::NotNull => is_required = true,
            ColumnOption::Null => {}
            ColumnOption::Default(value) => {
                has_default = true;
                let constant = match value {
                    Expr::Cast { expr, .. } => expr.as_ref(),
                    other => other,
                };
                if !matches!(constant, Expr::Value(_) | Expr::UnaryOp { .. } | Expr::Array(_)) {
                    faults.push("has a default that is computed for every row: use a constant or none".to_owned());
                }
            }
            other => faults.push(format!("adds a column together with {other}: use one file for each, and NOT VALID")),
        }
    }
    if is_required && !has_default {
        faults.push("adds a column that an older program does not set: NOT NULL only with a DEFAULT".to_owned());
    }
    faults
}

/// Checks a `DO` block for words that must not be in it. The parser does not parse its body.
fn block_faults(body: &str, contracts: bool, is_outside: bool) -> Vec<String> {
    let has = |words: &str| Regex::new(&format!(r"(?i)\b({words})\b")).unwrap().is_match(body);
    let mut faults = Vec::new();
    if is_outside && !has("COMMIT") {
        faults.push("runs outside a transaction needlessly".to_owned());
    }
    if has("RENAME|SET NOT NULL|TYPE|TRIGGER|CONCURRENTLY|TRUNCATE") {
        faults.push("does inside a block what must be a statement of its own, or is not allowed".to_owned());
    }
    if has("DROP|DELETE") {
        faults.extend(contract(contracts));
    }
    faults
}

fn contract(is_marked: bool) -> Option<String> {
    (!is_marked).then(|| {
        "removes something that an older program may use: add the line `-- contract: unused since 1.2.3`".to_owned()
    })
}

fn outside(is_marked: bool) -> Option<String> {
    (!is_marked).then(|| format!("uses CONCURRENTLY without the first line `{NO_TRANSACTION}`"))
}
