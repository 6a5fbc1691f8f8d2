//! Lets commands clean up when they are interrupted.

use tokio::signal::unix::{SignalKind, signal};

use super::CliError;

/// Runs `work` until it ends, or until SIGINT, SIGTERM or SIGHUP. On a signal `work` is dropped, which also ends what it
/// holds: a transaction, a temporary file, another program.
pub(super) async fn unless_interrupted<T, E: Into<CliError>>(
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, CliError> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        result = work => result.map_err(Into::into),
        _ = interrupt.recv() => Err("interrupted".into()),
        _ = terminate.recv() => Err("interrupted".into()),
        _ = hang_up.recv() => Err("interrupted".into()),
    }
}
