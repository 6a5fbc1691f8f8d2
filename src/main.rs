//! The `tableorder` program.

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

/// Keeps what is alike together: an open stream takes a third less memory than with the system's allocator, which
/// lets short-lived pieces touch every page between the long-lived ones.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    tableorder::cli::run().await
}
