//! The `tableorder` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    tableorder::cli::run()
}
