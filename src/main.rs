//! The `tableorder` program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// An open stream takes less memory than with the system's allocator, which mixes short-lived and long-lived blocks on a
/// page.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    tableorder::cli::run()
}
