//! The rules of `migrations/README.md` that can be read off a file: what an older program cannot live with, what
//! keeps a table from everybody for long, and what Citus refuses.

use std::collections::HashSet;

use regex::Regex;
use sqlparser::ast::{
    AlterColumnOperation, AlterTableOperation, AlterTypeOperation, ColumnDef, ColumnOption, Expr, Statement,
    TableConstraint,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

/// First line of a file that must run outside a transaction.
const NO_TRANSACTION: &str = "-- no-transaction";

/// First line of a file that takes something away, with the release since which nothing uses it.
const CONTRACT: &str = r"(?m)^-- contract: unused since \d+\.\d+\.\d+$";

/// The tables that these files make: nobody has them yet.
pub fn tables_made(files: &[(String, String)]) -> HashSet<String> {
    let made = files.iter().filter_map(|(_, sql)| Parser::parse_sql(&PostgreSqlDialect {}, sql).ok()).flatten();
    made.filter_map(|statement| match statement {
        Statement::CreateTable(table) => Some(table.name.to_string()),
        _ => None,
    })
    .collect()
}

/// What is wrong with a file, in sentences. `made` are the tables that files beside it make.
pub fn faults(sql: &str, made: &HashSet<String>) -> Vec<String> {
    let code = Regex::new(r"(?m)--.*$").unwrap().replace_all(sql, "");
    let code = code.trim();
    let contracts = Regex::new(CONTRACT).unwrap().is_match(sql);
    let is_outside = sql.starts_with(NO_TRANSACTION);
    if let Some(body) = code.strip_prefix("DO ") {
        return of_block(body, contracts, is_outside);
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
            "has {} statements instead of one: sent as one message, Citus refuses them",
            statements.len()
        )];
    };
    let mut faults = of_statement(statement, made, contracts, is_outside);
    let is_concurrent = matches!(statement, Statement::CreateIndex(index) if index.concurrently);
    if is_outside && !is_concurrent {
        faults.push("is outside a transaction without need".to_owned());
    }
    faults
}

fn of_statement(statement: &Statement, made: &HashSet<String>, contracts: bool, is_outside: bool) -> Vec<String> {
    match statement {
        Statement::CreateFunction(function) if function.or_replace => {
            vec!["replaces a function that an older program calls: a new version gets a new name".to_owned()]
        }
        Statement::CreateFunction(_)
        | Statement::CreateTable(_)
        | Statement::CreateType { .. }
        | Statement::Insert(_) => Vec::new(),
        Statement::CreateIndex(index) if made.contains(&index.table_name.to_string()) => Vec::new(),
        Statement::CreateIndex(index) => {
            let mut faults = Vec::new();
            if !index.concurrently {
                faults.push("builds an index while nobody can write: CREATE INDEX CONCURRENTLY".to_owned());
            }
            if index.if_not_exists || index.name.is_none() {
                faults.push("must name its index and insist on it: one half built would pass for it".to_owned());
            }
            faults.extend(outside(is_outside));
            faults
        }
        Statement::AlterType(alter) => match alter.operation {
            AlterTypeOperation::AddValue(_) => Vec::new(),
            _ => vec!["renames what an older program names".to_owned()],
        },
        Statement::AlterTable(alter) => {
            let mut faults: Vec<_> =
                alter.operations.iter().flat_map(|operation| of_alter_table(operation, contracts)).collect();
            if alter.operations.len() != 1 {
                faults.push("does several things to a table: a file each".to_owned());
            }
            faults
        }
        Statement::Drop { .. } | Statement::DropFunction(_) => contract(contracts).into_iter().collect(),
        other => {
            let start: String = other.to_string().chars().take(40).collect();
            vec![format!("is not what a migration may do: {start}")]
        }
    }
}

fn of_alter_table(operation: &AlterTableOperation, contracts: bool) -> Vec<String> {
    match operation {
        AlterTableOperation::AddColumn { column_def, .. } => of_new_column(column_def),
        AlterTableOperation::AddConstraint {
            constraint: TableConstraint::Check(_) | TableConstraint::ForeignKey(_),
            not_valid,
        } => {
            if *not_valid {
                return Vec::new();
            }
            vec![
                "reads the whole table while nobody can write: NOT VALID here, VALIDATE CONSTRAINT in the next file"
                    .to_owned(),
            ]
        }
        AlterTableOperation::AddConstraint { .. } => {
            vec!["builds an index while nobody can use the table: CREATE UNIQUE INDEX CONCURRENTLY".to_owned()]
        }
        AlterTableOperation::ValidateConstraint { .. } => Vec::new(),
        AlterTableOperation::AlterColumn { op, .. } => match op {
            AlterColumnOperation::DropNotNull
            | AlterColumnOperation::DropDefault
            | AlterColumnOperation::SetDefault { .. } => Vec::new(),
            // An older program need not write it; and every row is read, unless a CHECK says that it is there.
            AlterColumnOperation::SetNotNull => contract(contracts).into_iter().collect(),
            AlterColumnOperation::SetDataType { .. } | AlterColumnOperation::AddGenerated { .. } => {
                vec!["writes the whole table anew: add a column instead".to_owned()]
            }
        },
        AlterTableOperation::DropColumn { .. } | AlterTableOperation::DropConstraint { .. } => {
            contract(contracts).into_iter().collect()
        }
        AlterTableOperation::RenameColumn { .. }
        | AlterTableOperation::RenameTable { .. }
        | AlterTableOperation::RenameConstraint { .. } => vec!["renames what an older program names".to_owned()],
        other => vec![format!("is not what a migration may do: {other}")],
    }
}

fn of_new_column(column: &ColumnDef) -> Vec<String> {
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
                    faults.push("has a default that is computed for every row: a constant, or none".to_owned());
                }
            }
            other => faults.push(format!("adds a column together with {other}: a file each, NOT VALID")),
        }
    }
    if is_required && !has_default {
        faults.push("adds a column that an older program leaves empty: NOT NULL only with a DEFAULT".to_owned());
    }
    faults
}

/// A block of several steps: what must not be in it is looked for by its words.
fn of_block(body: &str, contracts: bool, is_outside: bool) -> Vec<String> {
    let has = |words: &str| Regex::new(&format!(r"(?i)\b({words})\b")).unwrap().is_match(body);
    let mut faults = Vec::new();
    if is_outside && !has("COMMIT") {
        faults.push("is outside a transaction without need".to_owned());
    }
    if has("RENAME|SET NOT NULL|TYPE|TRIGGER|CONCURRENTLY|TRUNCATE") {
        faults.push("does in a block what must stand alone or not be done".to_owned());
    }
    if has("DROP|DELETE") {
        faults.extend(contract(contracts));
    }
    faults
}

fn contract(said: bool) -> Option<String> {
    (!said).then(|| "takes away what an older program may use: say `-- contract: unused since 1.2.3`".to_owned())
}

fn outside(said: bool) -> Option<String> {
    (!said).then(|| format!("is CONCURRENTLY without the first line `{NO_TRANSACTION}`"))
}
