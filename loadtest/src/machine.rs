//! The machine of a measurement.

use std::fs;

use crate::Result;
use crate::postgres::Postgres;
use crate::threads::cores;

pub struct Machine {
    pub description: String,
    pub date: String,
}

impl Machine {
    pub async fn read(postgres: &Postgres) -> Result<Self> {
        let mut connection = postgres.connect("tableorder").await?;
        let (date, version): (String, String) =
            sqlx::query_as("SELECT current_date::text, current_setting('server_version')")
                .fetch_one(&mut connection)
                .await?;
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        let model = model.trim_start_matches([' ', '\t', ':']);
        let version = version.split(' ').next().unwrap_or_default();
        Ok(Self { description: format!("{} × {model}, PostgreSQL {version}", cores()), date })
    }
}
