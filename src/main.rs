//! The `tableorder` program.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tableorder::cli::run().await
}
