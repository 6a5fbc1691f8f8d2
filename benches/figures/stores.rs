//! Stores made by the `seed` command, with what their clients need.

use std::fs;
use std::path::Path;

use serde_json::json;
use tokio::process::Command;

use crate::Result;
use crate::http;

#[derive(Debug, Clone)]
pub struct Store {
    pub code: String,
    pub admin: String,
    /// A token for each table.
    pub tables: Vec<String>,
    pub menus: Vec<i64>,
}

/// How large every store is.
pub const TABLES: usize = 10;
pub const MENUS: usize = 40;

/// Past orders a day and store, where there are any.
pub const ORDERS_PER_DAY: u64 = 50;

/// Makes stores called `prefix`-001 …, with `days` of history.
pub async fn seed(
    mut program: Command,
    directory: &Path,
    prefix: &str,
    stores: usize,
    days: u64,
) -> Result<Vec<Store>> {
    let tokens = directory.join(format!("tokens-{prefix}-{days}"));
    let size = format!("--stores {stores} --tables {TABLES} --menus {MENUS} --orders-per-day {ORDERS_PER_DAY}");
    program.arg("seed").args(size.split(' ')).args(["--prefix", prefix, "--days", &days.to_string()]);
    let output = program.arg("--tokens").arg(&tokens).output().await?;
    if !output.status.success() {
        return Err(format!("seed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let read = |name: &str| read_pairs(&tokens.join(name));
    let (tables, menus) = (read("tables.tsv")?, read("menus.tsv")?);
    let of = |pairs: &[(String, String)], code: &str| -> Vec<String> {
        pairs.iter().filter(|(store, _)| store == code).map(|(_, value)| value.clone()).collect()
    };
    let stores = read("admins.tsv")?.into_iter().map(|(code, admin)| Store {
        tables: of(&tables, &code),
        menus: of(&menus, &code).iter().map(|id| id.parse().unwrap()).collect(),
        code,
        admin,
    });
    Ok(stores.collect())
}

fn read_pairs(path: &Path) -> Result<Vec<(String, String)>> {
    let text = fs::read_to_string(path)?;
    Ok(text.lines().filter_map(|line| line.split_once('\t')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect())
}

impl Store {
    /// An order of three dishes drawn at random, from one of its tables.
    pub fn order(&self, table: usize) -> Vec<u8> {
        let items: Vec<_> = [1, 2, 1]
            .map(|quantity| json!({"menu_id": self.menus[rand::random_range(0..self.menus.len())], "quantity": quantity}))
            .into();
        http::post("/customer/orders", &self.tables[table], &json!({ "items": items }).to_string())
    }
}

/// Orders from every table of these stores.
pub fn orders(stores: &[Store]) -> Vec<Vec<u8>> {
    const OF_A_TABLE: usize = 4;
    let tables = stores.iter().flat_map(|store| (0..store.tables.len()).map(move |table| (store, table)));
    tables.flat_map(|(store, table)| (0..OF_A_TABLE).map(move |_| store.order(table))).collect()
}
